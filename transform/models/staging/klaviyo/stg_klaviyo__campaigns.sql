with

source as (

    select * from {{ source('klaviyo', 'campaigns') }}

),

renamed as (

    select
        campaign_id,
        channel,
        campaign_name,
        status as campaign_status,
        coalesce(is_archived, false) as is_archived,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('scheduled_at') }} as scheduled_at,
        {{ to_utc('send_at') }} as sent_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
