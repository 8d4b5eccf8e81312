with

sessions as (

    select * from {{ ref('int_web__sessions') }}

),

identities as (

    select * from {{ ref('int_identity__sessions') }}

),

persons as (

    -- a return from the checkout is no touch
    select
        sessions.*,
        identities.person_key,
        identities.is_stitched,
        row_number() over (
            partition by identities.person_key
            order by
                sessions.started_at desc,
                sessions.ga_session_number desc,
                sessions.session_id desc
        ) as recency_rank
    from sessions
    inner join identities
        on sessions.device_key = identities.device_key
        and sessions.ga_session_id = identities.ga_session_id
    where not sessions.is_bot and not sessions.is_return

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
    from persons
    where recency_rank <= {{ var('max_touches_per_person') }}

)

select * from touchpoints
