with

source as (

    select * from {{ source('linkedin_ads', 'creative_stats') }}

),

renamed as (

    select
        account_id,
        date as report_date,
        campaign_id,
        creative_id,
        currency,
        timezone_name as time_zone,
        coalesce(impressions, 0) as impressions,
        coalesce(clicks, 0) as clicks,
        coalesce(landing_page_clicks, 0) as landing_page_clicks,
        coalesce(cost_in_local_currency, 0) as spend,
        cost_in_usd,
        coalesce(external_website_conversions, 0) as conversions,
        coalesce(post_click_conversions, 0) as post_click_conversions,
        coalesce(post_view_conversions, 0) as post_view_conversions,
        coalesce(conversion_value_in_local_currency, 0) as conversion_value,
        coalesce(one_click_leads, 0) as leads,
        coalesce(total_engagements, 0) as engagements,
        coalesce(video_views, 0) as video_views,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
