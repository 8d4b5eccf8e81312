select
    table_catalog,
    table_schema
from information_schema.tables
where table_name = '_totals'
