-- who moved where since the end of the month before, rounded to tens
select
    scored_date,
    previous_date,
    previous_segment,
    segment,
    is_merged,
    cast(round(customers / 10.0) as bigint) * 10 as customers
from rpt_rfm_migration
