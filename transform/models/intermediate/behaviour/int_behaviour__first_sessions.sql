with

sessions as (

    select * from {{ ref('int_web__sessions') }}

),

identities as (

    select * from {{ ref('int_identity__sessions') }}

),

ranked as (

    select
        identities.person_key,
        sessions.session_id,
        sessions.device_key,
        sessions.ga_session_id,
        sessions.channel,
        sessions.device_category,
        sessions.country,
        sessions.has_product_view,
        sessions.has_add_to_cart,
        sessions.has_checkout,
        sessions.started_at,
        row_number() over (
            partition by identities.person_key
            order by sessions.started_at, sessions.ga_session_number, sessions.session_id
        ) as session_rank
    from sessions
    inner join identities
        on sessions.device_key = identities.device_key
        and sessions.ga_session_id = identities.ga_session_id
    where not sessions.is_bot and not sessions.is_return

),

first_ones as (

    select * from ranked
    where session_rank <= {{ var('behaviour_first_sessions') }}

)

select * from first_ones
