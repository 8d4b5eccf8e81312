with

orders as (

    select * from {{ ref('int_orders__revenue') }}

),

customers as (

    select * from {{ ref('int_identity__customers') }}
    where not has_denied_profiling

),

days as (

    select * from {{ ref('dim_days') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

ends as (

    select
        days.day_date,
        row_number() over (order by days.day_date desc) as months_back
    from days
    inner join as_of on days.day_date < as_of.as_of_date
    where days.day_date = {{ month_end('days.day_date') }}

),

dates as (

    -- today, and the ends of the months before: as many as are asked for
    select
        as_of_date as scored_date,
        true as is_latest
    from as_of

    union all

    select
        day_date as scored_date,
        false as is_latest
    from ends
    where months_back <= {{ var('rfm_history_months') }}

),

measured as (

    select
        dates.scored_date,
        dates.is_latest,
        orders.customer_key,
        count(*) as frequency,
        max(orders.order_date) as last_order_date,
        sum(orders.revenue_usd) as monetary_usd
    from orders
    inner join customers on orders.customer_key = customers.customer_key
    inner join dates on orders.order_date <= dates.scored_date
    group by dates.scored_date, dates.is_latest, orders.customer_key

),

aged as (

    select
        scored_date,
        is_latest,
        customer_key,
        cast({{ days_between('last_order_date', 'scored_date') }} as integer) as recency_days,
        frequency,
        cast(monetary_usd as decimal(18, 2)) as monetary_usd
    from measured

)

select * from aged
