with

source as (

    select * from {{ source('linkedin_ads', 'creatives') }}

),

renamed as (

    select
        creative_id,
        campaign_id,
        account_id,
        name as creative_name,
        intended_status as creative_status,
        is_serving,
        content_reference,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
