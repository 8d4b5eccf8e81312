with

source as (

    select * from {{ source('meta_ads', 'ad_sets') }}

),

renamed as (

    select
        ad_set_id,
        campaign_id,
        account_id,
        name as ad_set_name,
        status as ad_set_status,
        daily_budget,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
