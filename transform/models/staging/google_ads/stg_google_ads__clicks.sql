with

source as (

    select * from {{ source('google_ads', 'clicks') }}

),

renamed as (

    select
        customer_id as account_id,
        date as report_date,
        gclid,
        campaign_id,
        ad_group_id,
        ad_id,
        keyword,
        match_type,
        device,
        network,
        country_id,
        timezone_name as time_zone,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
