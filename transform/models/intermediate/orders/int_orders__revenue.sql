with

orders as (

    select * from {{ ref('stg_' ~ var('orders_source') ~ '__orders') }}

),

refunds as (

    select * from {{ ref('stg_' ~ var('orders_source') ~ '__refunds') }}

),

rates as (

    select * from {{ ref('stg_shop__exchange_rates') }}

),

refunds_usd as (

    select
        refunds.order_id,
        count(*) as refund_count,
        sum(
            {{ usd(
                'refunds.refund_amount', rate_or_one('refunds.currency', 'rates.usd_per_unit')
            ) }}
        ) as refunds_usd
    from refunds
    left join rates
        on refunds.currency = rates.currency and refunds.refund_date = rates.rate_date
    group by refunds.order_id

),

orders_usd as (

    select
        orders.*,
        {{ rate_or_one('orders.currency', 'rates.usd_per_unit') }} as usd_per_unit,
        {{ usd('orders.order_total', rate_or_one('orders.currency', 'rates.usd_per_unit')) }}
            as gross_usd
    from orders
    left join rates
        on orders.currency = rates.currency and orders.order_date = rates.rate_date

),

net as (

    select
        orders_usd.order_id,
        orders_usd.customer_key,
        orders_usd.currency,
        orders_usd.order_total,
        cast(orders_usd.usd_per_unit as decimal(18, 4)) as usd_per_unit,
        orders_usd.gross_usd,
        cast(coalesce(refunds_usd.refunds_usd, 0) as decimal(18, 2)) as refunds_usd,
        -- one refund without a rate makes its order empty, which the contract refuses
        cast(
            orders_usd.gross_usd
            - case when refunds_usd.order_id is null then 0 else refunds_usd.refunds_usd end
            as decimal(18, 2)
        ) as revenue_usd,
        coalesce(refunds_usd.refund_count, 0) as refund_count,
        orders_usd.order_total > 0
        and (
            coalesce(refunds_usd.refunded_total, 0) >= orders_usd.order_total
            or coalesce(refunds_usd.refunds_usd, 0) >= orders_usd.gross_usd
        ) as is_refunded,
        orders_usd.is_first_order,
        orders_usd.order_date,
        orders_usd.ordered_at
    from orders_usd
    left join refunds_usd on orders_usd.order_id = refunds_usd.order_id

)

select * from net
