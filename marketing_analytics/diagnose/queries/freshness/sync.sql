-- the last sync of every source
with ranked as (

    select
        source,
        status,
        started_at,
        finished_at,
        error_messages,
        row_number() over (partition by source order by started_at desc, loaded_at desc) as recency
    from stg_ingest__loads

),

readings as (

    select
        source,
        max(read_at) as read_at,
        min(last_day) as behind_day
    from stg_ingest__freshness
    group by source

)

select
    ranked.source,
    ranked.status,
    ranked.started_at,
    readings.read_at,
    readings.behind_day,
    ranked.error_messages
from ranked
left join readings on ranked.source = readings.source
where ranked.recency = 1
order by ranked.source
