-- a device counts once a day: its events are no decisions of their own
with

devices as (

    select
        event_date,
        device_key,
        min(case when {column} then 1 else 0 end) as is_granted
    from {marts}.stg_ga4__events
    where event_date >= ? and event_date < ?
    group by event_date, device_key

)

select
    event_date as day,
    sum(is_granted) as part,
    count(*) as whole
from devices
group by event_date
