with

source as (

    select * from {{ source('google_ads', 'ads') }}

),

renamed as (

    select
        ad_id,
        ad_group_id,
        campaign_id,
        customer_id as account_id,
        name as ad_name,
        status as ad_status,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
