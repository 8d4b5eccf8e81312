with

source as (

    select * from {{ source('ga4', 'event_items') }}

),

renamed as (

    select
        device_key,
        event_timestamp_us,
        event_index,
        item_index,
        nullif(nullif(item_id, ''), '(not set)') as item_id,
        nullif(nullif(item_name, ''), '(not set)') as item_name,
        nullif(nullif(item_brand, ''), '(not set)') as item_brand,
        nullif(nullif(item_variant, ''), '(not set)') as item_variant,
        nullif(nullif(item_category, ''), '(not set)') as item_category,
        nullif(nullif(item_list_name, ''), '(not set)') as item_list_name,
        nullif(nullif(promotion_name, ''), '(not set)') as promotion_name,
        nullif(nullif(coupon, ''), '(not set)') as coupon,
        price as item_price,
        price_in_usd as item_price_usd,
        quantity as item_quantity,
        item_revenue,
        item_revenue_in_usd as item_revenue_usd,
        event_date,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
