with

source as (

    select * from {{ source('google_ads', 'campaigns') }}

),

renamed as (

    select
        campaign_id,
        customer_id as account_id,
        name as campaign_name,
        status as campaign_status,
        channel_type,
        daily_budget,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
