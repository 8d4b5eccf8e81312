with

orders as (

    select * from {{ ref(orders_model('orders')) }}

),

refunds as (

    select * from {{ ref(orders_model('refunds')) }}

),

consents as (

    select * from {{ ref('int_consent__customers') }}

),

rates as (

    select * from {{ ref('int_calendar__exchange_rates') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

refunds_usd as (

    select
        refunds.*,
        {{ in_reporting_currency(
            'refunds.refund_amount', 'refunds.currency', 'refunds.refund_date'
        ) }} as refund_usd
    from refunds
    {{ join_rates('refunds.currency', 'refunds.refund_date') }}

),

refunded as (

    select
        order_id,
        count(*) as refund_count,
        sum(refund_usd) as refunds_usd
    from refunds_usd
    group by order_id

),

given_back as (

    select
        order_id,
        currency,
        sum(refund_amount) as refund_amount
    from refunds
    group by order_id, currency

),

orders_usd as (

    select
        orders.*,
        {{ reporting_rate('orders.currency') }} as usd_per_unit,
        {{ reporting_rate_date('orders.currency') }} as rate_date,
        {{ in_reporting_currency('orders.order_total', 'orders.currency', 'orders.order_date') }}
            as gross_usd
    from orders
    inner join as_of on orders.order_date <= as_of.as_of_date
    {{ join_rates('orders.currency', 'orders.order_date') }}

),

net as (

    select
        orders_usd.order_id,
        -- of who refused analytics the order counts, and says nobody
        case when not coalesce(consents.is_opted_out, false) then orders_usd.customer_key end
            as customer_key,
        coalesce(consents.is_opted_out, false) as is_opted_out,
        orders_usd.currency,
        orders_usd.order_total,
        cast(orders_usd.usd_per_unit as decimal(18, 4)) as usd_per_unit,
        orders_usd.rate_date,
        orders_usd.gross_usd,
        cast(coalesce(refunded.refunds_usd, 0) as decimal(18, 2)) as refunds_usd,
        cast(
            orders_usd.gross_usd - coalesce(refunded.refunds_usd, 0) as decimal(18, 2)
        ) as revenue_usd,
        coalesce(refunded.refund_count, 0) as refund_count,
        -- in its own currency where it can: the rate may have moved since
        orders_usd.order_total > 0
        and (
            coalesce(given_back.refund_amount, 0) >= orders_usd.order_total
            or (
                given_back.refund_amount is null
                and coalesce(refunded.refunds_usd, 0) >= orders_usd.gross_usd
            )
        ) as is_refunded,
        orders_usd.is_first_order,
        orders_usd.order_date,
        orders_usd.ordered_at
    from orders_usd
    left join refunded on orders_usd.order_id = refunded.order_id
    left join given_back
        on orders_usd.order_id = given_back.order_id
        and orders_usd.currency = given_back.currency
    left join consents on orders_usd.customer_key = consents.customer_key

)

select * from net
