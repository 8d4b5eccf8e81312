-- orders as they are loaded now against conversions
select
    'shop' as source,
    count(*) as orders,
    count(conversions.conversion_id) as conversions,
    sum(orders.order_total) as order_total,
    coalesce(sum(conversions.order_total), 0) as conversion_total,
    min(case when conversions.conversion_id is null then orders.order_date end)
        as first_missing_date
from stg_shop__orders as orders
inner join int_calendar__as_of as as_of on orders.order_date <= as_of.as_of_date
left join fct_conversions as conversions on orders.order_id = conversions.conversion_id
union all
select
    'shopify' as source,
    count(*) as orders,
    count(conversions.conversion_id) as conversions,
    sum(orders.order_total) as order_total,
    coalesce(sum(conversions.order_total), 0) as conversion_total,
    min(case when conversions.conversion_id is null then orders.order_date end)
        as first_missing_date
from stg_shopify__orders as orders
inner join int_calendar__as_of as as_of on orders.order_date <= as_of.as_of_date
left join fct_conversions as conversions on orders.order_id = conversions.conversion_id
