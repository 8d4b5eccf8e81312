with

source as (

    select * from {{ source('meta_ads', 'ad_creatives') }}

),

renamed as (

    select
        creative_id,
        account_id,
        name as creative_name,
        title,
        body,
        call_to_action_type,
        link,
        url_tags,
        status as creative_status,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
