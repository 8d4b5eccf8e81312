with

source as (

    select * from {{ source('google_ads', 'search_term_stats') }}

),

renamed as (

    select
        customer_id as account_id,
        date as report_date,
        campaign_id,
        ad_group_id,
        search_term,
        match_type,
        currency,
        timezone_name as time_zone,
        coalesce(impressions, 0) as impressions,
        coalesce(clicks, 0) as clicks,
        {{ micros_to_amount('coalesce(cost_micros, 0)') }} as spend,
        coalesce(conversions, 0) as conversions,
        coalesce(conversions_value, 0) as conversion_value,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
