with

source as (

    select * from {{ source('google_ads', 'conversion_action_stats') }}

),

renamed as (

    select
        customer_id as account_id,
        date as report_date,
        campaign_id,
        conversion_action_id,
        conversion_action as conversion_action_name,
        category,
        currency,
        timezone_name as time_zone,
        coalesce(conversions, 0) as conversions,
        coalesce(conversions_value, 0) as conversion_value,
        coalesce(all_conversions, 0) as all_conversions,
        coalesce(all_conversions_value, 0) as all_conversion_value,
        coalesce(view_through_conversions, 0) as view_through_conversions,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
