-- the last day with a row of every source, and when it was read
select
    source,
    max(last_row_day) as last_row_day,
    max(read_at) as read_at
from stg_ingest__freshness
group by source
order by source
