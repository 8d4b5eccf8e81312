-- refunds as they are loaded now: of no order, or not taken off its revenue
select
    'shop' as source,
    count(*) as refunds,
    count(case when orders.order_id is null then 1 end) as without_order,
    count(
        case when orders.order_date <= as_of.as_of_date and revenue.refund_count = 0 then 1 end
    ) as not_taken_off,
    max(refunds.refund_date) as last_date
from stg_shop__refunds as refunds
cross join int_calendar__as_of as as_of
left join stg_shop__orders as orders on refunds.order_id = orders.order_id
left join int_orders__revenue as revenue on refunds.order_id = revenue.order_id
union all
select
    'shopify' as source,
    count(*) as refunds,
    count(case when orders.order_id is null then 1 end) as without_order,
    count(
        case when orders.order_date <= as_of.as_of_date and revenue.refund_count = 0 then 1 end
    ) as not_taken_off,
    max(refunds.refund_date) as last_date
from stg_shopify__refunds as refunds
cross join int_calendar__as_of as as_of
left join stg_shopify__orders as orders on refunds.order_id = orders.order_id
left join int_orders__revenue as revenue on refunds.order_id = revenue.order_id
