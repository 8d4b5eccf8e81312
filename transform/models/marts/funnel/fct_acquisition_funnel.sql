with

sessions as (

    select * from {{ ref('int_web__sessions') }}

),

stepped as (

    -- who got to a later step has passed the earlier ones, whatever was recorded
    select
        channel,
        session_date,
        is_engaged,
        case
            when has_purchase then 4
            when has_checkout then 3
            when has_add_to_cart then 2
            when has_product_view then 1
            else 0
        end as furthest_step
    from sessions
    where not is_bot

),

counted as (

    select
        channel,
        session_date,
        count(*) as sessions,
        count(case when is_engaged then 1 end) as engaged_sessions,
        count(case when furthest_step >= 1 then 1 end) as product_view_sessions,
        count(case when furthest_step >= 2 then 1 end) as add_to_cart_sessions,
        count(case when furthest_step >= 3 then 1 end) as checkout_sessions,
        count(case when furthest_step >= 4 then 1 end) as purchase_sessions
    from stepped
    group by channel, session_date

),

funnel as (

    select
        *,
        {{ safe_ratio('product_view_sessions', 'sessions') }} as product_view_rate,
        {{ safe_ratio('add_to_cart_sessions', 'product_view_sessions') }} as add_to_cart_rate,
        {{ safe_ratio('checkout_sessions', 'add_to_cart_sessions') }} as checkout_rate,
        {{ safe_ratio('purchase_sessions', 'checkout_sessions') }} as purchase_rate,
        {{ safe_ratio('purchase_sessions', 'sessions') }} as conversion_rate
    from counted

)

select * from funnel
