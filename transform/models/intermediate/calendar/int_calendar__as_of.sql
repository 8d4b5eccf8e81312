with

orders as (

    select * from {{ ref(orders_model('orders')) }}

),

rates as (

    select * from {{ ref('stg_shop__exchange_rates') }}

),

latest_rate as (

    select max(rate_date) as rate_date from rates

),

dated as (

    -- an order is no evidence of its own date: one that was loaded before its day is a mistake,
    -- unless the rates have come to that day too. The clock is never asked
    select max(orders.order_date) as latest_order_date
    from orders
    cross join latest_rate
    where
        orders.order_date <= {{ days_after('orders.loaded_at', 1) }}
        or orders.order_date <= latest_rate.rate_date

),

as_of as (

    select
        {{ as_of_date('latest_order_date') }} as as_of_date,
        '{{ var("reporting_currency") }}' as reporting_currency
    from dated

)

select * from as_of
