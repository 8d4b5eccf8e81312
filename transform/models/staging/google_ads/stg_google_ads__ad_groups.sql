with

source as (

    select * from {{ source('google_ads', 'ad_groups') }}

),

renamed as (

    select
        ad_group_id,
        campaign_id,
        customer_id as account_id,
        name as ad_group_name,
        status as ad_group_status,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
