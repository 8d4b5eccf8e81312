with

orders as (

    select * from {{ ref('int_orders__revenue') }}

),

customers as (

    select * from {{ ref('int_identity__customers') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

ordered as (

    select
        orders.*,
        as_of.as_of_date,
        min(orders.order_date) over (partition by orders.customer_key) as first_order_date
    from orders
    inner join customers on orders.customer_key = customers.customer_key
    inner join as_of on orders.order_date <= as_of.as_of_date

),

aged as (

    select
        *,
        {{ days_between('first_order_date', 'order_date') }} as order_age_days
    from ordered

),

summed as (

    select
        customer_key,
        first_order_date,
        {{ month_start('first_order_date') }} as cohort_month,
        max(order_date) as last_order_date,
        max(as_of_date) as as_of_date,
        count(*) as orders,
        sum(gross_usd) as gross_usd,
        sum(refunds_usd) as refunds_usd,
        sum(revenue_usd) as revenue_usd,
        sum(case when order_age_days < 30 then revenue_usd else 0 end) as revenue_30d_usd,
        sum(case when order_age_days < 90 then revenue_usd else 0 end) as revenue_90d_usd
    from aged
    group by customer_key, first_order_date

),

valued as (

    select
        customer_key,
        cohort_month,
        first_order_date,
        last_order_date,
        cast({{ days_between('first_order_date', 'as_of_date') }} as integer) as tenure_days,
        orders,
        cast(gross_usd as decimal(18, 2)) as gross_usd,
        cast(refunds_usd as decimal(18, 2)) as refunds_usd,
        cast(revenue_usd as decimal(18, 2)) as revenue_usd,
        cast(revenue_30d_usd as decimal(18, 2)) as revenue_30d_usd,
        cast(revenue_90d_usd as decimal(18, 2)) as revenue_90d_usd,
        {{ safe_ratio('revenue_usd', 'orders') }} as average_order_value_usd
    from summed

)

select * from valued
