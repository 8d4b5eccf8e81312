with

source as (

    select * from {{ source('linkedin_ads', 'campaign_history') }}

),

renamed as (

    select
        campaign_id,
        account_id,
        name as campaign_name,
        status as campaign_status,
        daily_budget,
        total_budget,
        currency,
        {{ to_utc('observed_at') }} as observed_at,
        {{ valid_from_at('campaign_id') }} as valid_from_at,
        {{ valid_to_at('campaign_id') }} as valid_to_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
