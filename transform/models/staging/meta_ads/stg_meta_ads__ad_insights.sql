with

source as (

    select * from {{ source('meta_ads', 'ad_insights') }}

),

renamed as (

    select
        account_id,
        date as report_date,
        campaign_id,
        ad_set_id,
        ad_id,
        currency,
        timezone_name as time_zone,
        coalesce(impressions, 0) as impressions,
        reach,
        coalesce(clicks, 0) as clicks,
        coalesce(inline_link_clicks, 0) as link_clicks,
        coalesce(spend, 0) as spend,
        coalesce(purchases, 0) as conversions,
        coalesce(purchases_1d_click, 0) as conversions_1d_click,
        coalesce(purchases_7d_click, 0) as conversions_7d_click,
        coalesce(purchases_28d_click, 0) as conversions_28d_click,
        coalesce(purchases_1d_view, 0) as conversions_1d_view,
        coalesce(purchase_value, 0) as conversion_value,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
