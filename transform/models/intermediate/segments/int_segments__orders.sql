with

orders as (

    select * from {{ ref('int_orders__revenue') }}

),

refunds as (

    select * from {{ ref(orders_model('refunds')) }}

),

customers as (

    select * from {{ ref('int_identity__customers') }}
    where not has_denied_profiling

),

cut_offs as (

    select distinct cut_off_date from {{ ref('int_segments__cut_offs') }}

),

given_back as (

    select
        cut_offs.cut_off_date,
        orders.order_id,
        sum(refunds.refund_amount) as refund_amount
    from refunds
    inner join orders
        on refunds.order_id = orders.order_id and refunds.currency = orders.currency
    inner join cut_offs on refunds.refund_date <= cut_offs.cut_off_date
    group by cut_offs.cut_off_date, orders.order_id

),

known as (

    -- less what was given back by then, at the rate of the order: later refunds are not known yet
    select
        cut_offs.cut_off_date,
        orders.customer_key,
        orders.order_date,
        given_back.order_id is not null as is_refunded,
        {{ as_double('orders.gross_usd') }} * (
            1e0 - least(
                1e0,
                coalesce({{ safe_ratio('given_back.refund_amount', 'orders.order_total') }}, 0e0)
            )
        ) as net_usd
    from orders
    inner join customers on orders.customer_key = customers.customer_key
    inner join cut_offs on orders.order_date <= cut_offs.cut_off_date
    left join given_back
        on cut_offs.cut_off_date = given_back.cut_off_date
        and orders.order_id = given_back.order_id

),

summed as (

    select
        cut_offs.cut_off_date,
        cut_offs.customer_key,
        max(cut_offs.order_date) as last_order_date,
        max(case when cut_offs.is_refunded then cut_offs.order_date end) as last_refunded_date,
        count(*) as orders,
        count(case when cut_offs.is_refunded then 1 end) as refunded_orders,
        sum(cut_offs.net_usd) as net_usd,
        min(case when cut_offs.net_usd > 0 then cut_offs.order_date end) as first_purchase_date,
        max(case when cut_offs.net_usd > 0 then cut_offs.order_date end) as last_purchase_date,
        count(distinct case when cut_offs.net_usd > 0 then cut_offs.order_date end) as purchases,
        count(
            distinct case
                when cut_offs.net_usd > 0 and {{ is_lately('cut_offs.order_date', 30) }}
                    then cut_offs.order_date
            end
        ) as purchases_30d,
        count(
            distinct case
                when cut_offs.net_usd > 0 and {{ is_lately('cut_offs.order_date', 90) }}
                    then cut_offs.order_date
            end
        ) as purchases_90d
    from known as cut_offs
    group by cut_offs.cut_off_date, cut_offs.customer_key

),

counted as (

    -- whose orders were all given back has no purchase, and nothing to be predicted from
    select
        cut_off_date,
        customer_key,
        orders,
        refunded_orders,
        coalesce(last_refunded_date = last_order_date, false) as is_last_refunded,
        cast({{ days_between('last_order_date', 'cut_off_date') }} as integer)
            as order_recency_days,
        {{ round_half('net_usd', 2) }} as net_usd,
        purchases,
        purchases_30d,
        purchases_90d,
        cast({{ days_between('last_purchase_date', 'cut_off_date') }} as integer) as recency_days,
        cast({{ days_between('first_purchase_date', 'cut_off_date') }} as integer) as age_days
    from summed
    where purchases > 0

)

select * from counted
