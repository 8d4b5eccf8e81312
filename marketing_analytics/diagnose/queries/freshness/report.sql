-- the last time the report was looked at from outside
with ranked as (

    select
        target,
        probed_at,
        is_available,
        is_fresh,
        age_seconds,
        error,
        row_number() over (partition by target order by probed_at desc) as recency
    from monitor_schema.monitor_probes

)

select
    target,
    probed_at,
    is_available,
    is_fresh,
    age_seconds,
    error
from ranked
where recency = 1
order by is_available, is_fresh, target
