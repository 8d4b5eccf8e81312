-- one row per item of an event, in the order that the page sent
with
    unnested as (
        select
            event_date,
            event_timestamp_us,
            event_index,
            user_pseudo_id,
            unnest(items) as items,
            generate_subscripts(items, 1) - 1 as item_index
        from flat
        where len(items) > 0
    )

select
    event_date,
    event_timestamp_us,
    event_index,
    user_pseudo_id,
    item_index,
    @items.item_id as item_id,
    @items.item_name as item_name,
    @items.item_brand as item_brand,
    @items.item_variant as item_variant,
    @items.item_category as item_category,
    @items.item_list_name as item_list_name,
    @items.promotion_name as promotion_name,
    @items.coupon as coupon,
    @items.price as given_price,
    try_cast(given_price as decimal(18, 6)) as price,
    @items.price_in_usd as given_price_in_usd,
    try_cast(given_price_in_usd as decimal(18, 6)) as price_in_usd,
    @items.quantity as quantity,
    @items.item_revenue as given_item_revenue,
    try_cast(given_item_revenue as decimal(18, 6)) as item_revenue,
    @items.item_revenue_in_usd as given_item_revenue_in_usd,
    try_cast(given_item_revenue_in_usd as decimal(18, 6)) as item_revenue_in_usd
from unnested
