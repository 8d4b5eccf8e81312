with

events as (

    select * from {{ ref('stg_ga4__events') }}
    where device_key is not null and ga_session_id is not null

),

purchases as (

    select * from {{ ref('int_web__purchases') }}

),

orders as (

    select * from {{ ref(orders_model('orders')) }}

),

customers as (

    -- those who refused too: their visits are nobody else's
    select * from {{ ref('int_consent__customers') }}

),

refused as (

    select * from {{ ref('int_consent__devices') }}

),

sessions as (

    select
        device_key,
        ga_session_id,
        min(event_at) as started_at
    from events
    group by device_key, ga_session_id

),

evidence as (

    select
        events.device_key,
        events.ga_session_id,
        customers.customer_key,
        customers.customer_key as person_key,
        'login' as evidence,
        events.event_at as seen_at,
        events.event_timestamp_us as seen_us,
        events.event_index
    from events
    inner join customers on events.customer_key = customers.customer_key

    union all

    -- a guest is who the device is: a person without a name
    select
        purchases.device_key,
        purchases.ga_session_id,
        orders.customer_key,
        coalesce(orders.customer_key, purchases.device_key) as person_key,
        'order' as evidence,
        purchases.purchased_at as seen_at,
        cast(0 as bigint) as seen_us,
        cast(0 as bigint) as event_index
    from purchases
    inner join orders on purchases.order_id = orders.order_id

),

ranked as (

    -- a login tells more than an order, which may be for somebody else; the last one counts
    select
        *,
        row_number() over (
            partition by device_key, ga_session_id
            order by
                evidence asc, seen_at desc, seen_us desc, event_index desc, person_key asc
        ) as evidence_rank
    from evidence

),

seen as (

    select
        device_key,
        ga_session_id,
        customer_key,
        person_key,
        evidence,
        seen_at,
        row_number() over (partition by device_key order by seen_at, ga_session_id) as seen_number
    from ranked
    where evidence_rank = 1

),

public_devices as (

    -- in a library or a shop: who was seen says nothing about the others
    select device_key
    from seen
    group by device_key
    having count(distinct person_key) > {{ var('max_persons_per_device') }}

),

moments as (

    select
        device_key,
        ga_session_id,
        started_at as moment_at,
        0 as seen_count
    from sessions

    union all

    select
        device_key,
        ga_session_id,
        seen_at as moment_at,
        1 as seen_count
    from seen

),

counted as (

    select
        *,
        sum(seen_count) over (
            partition by device_key
            order by moment_at, seen_count, ga_session_id
            rows between unbounded preceding and current row
        ) as seen_before
    from moments

),

neighbours as (

    select
        counted.device_key,
        counted.ga_session_id,
        counted.moment_at as started_at,
        last_seen.customer_key as customer_before,
        last_seen.person_key as person_before,
        {{ seconds_between('last_seen.seen_at', 'counted.moment_at') }} as seconds_since,
        next_seen.customer_key as customer_after,
        next_seen.person_key as person_after,
        {{ seconds_between('counted.moment_at', 'next_seen.seen_at') }} as seconds_until,
        public_devices.device_key is not null as is_public
    from counted
    left join seen as last_seen
        on counted.device_key = last_seen.device_key
        and counted.seen_before = last_seen.seen_number
    left join seen as next_seen
        on counted.device_key = next_seen.device_key
        and counted.seen_before + 1 = next_seen.seen_number
    left join public_devices on counted.device_key = public_devices.device_key
    where counted.seen_count = 0

),

judged as (

    -- a visit without a name belongs to who was seen on the device nearest in time
    select
        *,
        coalesce(
            not is_public
            and seconds_until <= {{ var('identity_reach_days') }} * 86400
            and (seconds_since is null or seconds_until <= seconds_since),
            false
        ) as is_of_next,
        coalesce(
            not is_public
            and seconds_since <= {{ var('identity_reach_days') }} * 86400
            and (seconds_until is null or seconds_since < seconds_until),
            false
        ) as is_of_last
    from neighbours

),

named as (

    select
        judged.device_key,
        judged.ga_session_id,
        judged.started_at,
        case
            when own.person_key is not null then own.customer_key
            when judged.is_of_next then judged.customer_after
            when judged.is_of_last then judged.customer_before
        end as customer_key,
        case
            when own.person_key is not null then own.person_key
            when judged.is_of_next then judged.person_after
            when judged.is_of_last then judged.person_before
            else judged.device_key
        end as person_key,
        case
            when own.person_key is not null then own.evidence
            when judged.is_of_next or judged.is_of_last then 'nearest'
        end as evidence
    from judged
    left join seen as own
        on judged.device_key = own.device_key
        and judged.ga_session_id = own.ga_session_id

),

permitted as (

    -- what is of a person or a device that refused ends here
    select
        named.*,
        named.customer_key is not null as is_stitched
    from named
    left join customers on named.customer_key = customers.customer_key
    left join refused on named.device_key = refused.device_key
    where not coalesce(customers.is_opted_out, false) and refused.device_key is null

)

select * from permitted
