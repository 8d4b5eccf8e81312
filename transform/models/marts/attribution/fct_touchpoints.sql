with

sessions as (

    select * from {{ ref('int_web__sessions') }}

),

identities as (

    select * from {{ ref('int_identity__sessions') }}

),

limits as (

    select * from {{ ref('int_consent__windows') }}

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
        persons.session_id as touchpoint_id,
        persons.person_key,
        persons.device_key,
        persons.ga_session_number,
        persons.channel,
        persons.platform,
        persons.campaign_id,
        persons.traffic_source,
        persons.traffic_medium,
        persons.traffic_campaign,
        persons.is_stitched,
        limits.window_days as consent_window_days,
        persons.session_date as touch_date,
        persons.started_at as touched_at
    from persons
    left join limits on persons.person_key = limits.person_key
    where persons.recency_rank <= {{ var('max_touches_per_person') }}

)

select * from touchpoints
