select
    'spend of ' || loaded.platform as mart,
    max(loaded.report_date) as loaded_to,
    max(spent.last_day) as built_to
from int_ads__daily as loaded
left join (
    select
        platform,
        max(report_date) as last_day
    from fct_ad_spend
    group by platform
) as spent on loaded.platform = spent.platform
group by loaded.platform
union all
select
    'orders of the shop' as mart,
    max(orders.order_date) as loaded_to,
    (select max(conversion_date) from fct_conversions) as built_to
from stg_shop__orders as orders
where orders.order_date <= cast(orders.loaded_at as date)
union all
select
    'orders of Shopify' as mart,
    max(orders.order_date) as loaded_to,
    (select max(conversion_date) from fct_conversions) as built_to
from stg_shopify__orders as orders
where orders.order_date <= cast(orders.loaded_at as date)
union all
select
    'visits' as mart,
    max(events.event_date) as loaded_to,
    (select max(session_date) from int_web__sessions) as built_to
from stg_ga4__events as events
