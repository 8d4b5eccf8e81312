with

source as (

    select * from {{ source('meta_ads', 'ad_insights_placement') }}

),

renamed as (

    select
        account_id,
        date as report_date,
        campaign_id,
        ad_id,
        publisher_platform,
        platform_position,
        currency,
        coalesce(impressions, 0) as impressions,
        coalesce(clicks, 0) as clicks,
        coalesce(spend, 0) as spend,
        coalesce(purchases, 0) as conversions,
        coalesce(purchase_value, 0) as conversion_value,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
