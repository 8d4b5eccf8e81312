with

events as (

    select * from {{ ref('stg_ga4__events') }}

),

numbered as (

    select
        order_id,
        device_key,
        ga_session_id,
        country,
        region,
        event_at as purchased_at,
        row_number() over (
            partition by order_id
            order by event_timestamp_us, device_key, event_index
        ) as occurrence
    from events
    where event_name = 'purchase' and order_id is not null and device_key is not null

),

purchases as (

    -- a page that is loaded again sends its purchase again: the first one counts
    select
        order_id,
        device_key,
        ga_session_id,
        country,
        region,
        purchased_at
    from numbered
    where occurrence = 1

)

select * from purchases
