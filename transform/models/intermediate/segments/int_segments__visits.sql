with

events as (

    select * from {{ ref('stg_ga4__events') }}
    where device_key is not null and ga_session_id is not null and customer_key is not null

),

sessions as (

    select * from {{ ref('int_web__sessions') }}

),

logged_in as (

    -- who is named by the visit itself: to whom other visits of the device belong is often known
    -- only later, and a prediction must not know it earlier
    select
        device_key,
        ga_session_id,
        customer_key,
        cast(min(event_at) as date) as visit_date
    from events
    group by device_key, ga_session_id, customer_key

),

visits as (

    select
        logged_in.customer_key,
        sessions.session_id,
        logged_in.visit_date,
        sessions.channel,
        sessions.has_add_to_cart
    from logged_in
    inner join sessions
        on logged_in.device_key = sessions.device_key
        and logged_in.ga_session_id = sessions.ga_session_id

)

select * from visits
