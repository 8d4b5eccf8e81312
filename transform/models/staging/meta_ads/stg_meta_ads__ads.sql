with

source as (

    select * from {{ source('meta_ads', 'ads') }}

),

renamed as (

    select
        ad_id,
        ad_set_id,
        campaign_id,
        account_id,
        creative_id,
        name as ad_name,
        status as ad_status,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
