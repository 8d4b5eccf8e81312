with

orders as (

    select * from {{ ref('int_orders__revenue') }}

),

purchases as (

    select * from {{ ref('int_web__purchases') }}

),

conversions as (

    -- an opted-out person is not named; the conversion itself stays. A guest is who the device is
    select
        orders.order_id as conversion_id,
        case when orders.is_first_order then 'first_order' else 'repeat_order' end
            as conversion_type,
        case
            when not orders.is_opted_out then
                coalesce(orders.customer_key, purchases.device_key, 'guest-' || orders.order_id)
        end as person_key,
        orders.currency,
        orders.order_total,
        orders.usd_per_unit,
        orders.rate_date,
        orders.gross_usd,
        orders.refunds_usd,
        orders.revenue_usd,
        orders.is_first_order,
        orders.is_refunded,
        purchases.order_id is not null and not orders.is_opted_out as is_tracked,
        orders.customer_key is null and not orders.is_opted_out as is_guest,
        orders.is_opted_out,
        orders.order_date as conversion_date,
        orders.ordered_at as converted_at
    from orders
    left join purchases on orders.order_id = purchases.order_id

)

select * from conversions
