-- the last load of every source of spend and of orders
with ranked as (

    select
        source,
        status,
        window_count,
        planned_window_count,
        rejected_count,
        started_at,
        error_messages,
        row_number() over (partition by source order by started_at desc, loaded_at desc) as recency
    from stg_ingest__loads
    where source like '%_ads' or source in ('shop', 'shopify')

)

select
    source,
    status,
    window_count,
    planned_window_count,
    rejected_count,
    started_at,
    error_messages
from ranked
where recency = 1
order by source
