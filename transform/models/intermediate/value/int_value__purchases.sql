with

orders as (

    select * from {{ ref('int_orders__revenue') }}

),

customers as (

    select * from {{ ref('int_identity__customers') }}
    where not has_denied_profiling

),

purchases as (

    -- what was wholly given back, or cost nothing, is no purchase, though a moved rate leave
    -- something of it; a day's orders are one
    select
        orders.customer_key,
        orders.order_date as purchase_date,
        sum(orders.revenue_usd) as revenue_usd
    from orders
    inner join customers on orders.customer_key = customers.customer_key
    where orders.revenue_usd > 0 and not orders.is_refunded
    group by orders.customer_key, orders.order_date

)

select * from purchases
