with

sessions as (

    select * from {{ ref('int_web__sessions') }}

),

devices as (

    select * from {{ ref('int_identity__devices') }}

),

customers as (

    select * from {{ ref('int_identity__customers') }}

),

persons as (

    -- who logged in during the session comes before who owns the device; a return from the
    -- checkout is no touch
    select
        sessions.*,
        coalesce(logged_in.customer_key, devices.person_key) as person_key,
        logged_in.customer_key is not null or devices.is_stitched as is_stitched
    from sessions
    inner join devices on sessions.device_key = devices.device_key
    left join customers as logged_in on sessions.customer_key = logged_in.customer_key
    where not sessions.is_bot and not sessions.is_return

),

permitted as (

    select
        persons.*,
        row_number() over (
            partition by persons.person_key
            order by
                persons.started_at desc, persons.ga_session_number desc, persons.session_id desc
        ) as recency_rank
    from persons
    left join customers on persons.person_key = customers.customer_key
    where not coalesce(customers.is_opted_out, false)

),

touchpoints as (

    select
        session_id as touchpoint_id,
        person_key,
        device_key,
        ga_session_number,
        channel,
        platform,
        campaign_id,
        traffic_source,
        traffic_medium,
        traffic_campaign,
        is_stitched,
        session_date as touch_date,
        started_at as touched_at
    from permitted
    where recency_rank <= {{ var('max_touches_per_person') }}

)

select * from touchpoints
