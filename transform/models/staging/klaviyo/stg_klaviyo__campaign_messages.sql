with

source as (

    select * from {{ source('klaviyo', 'campaign_messages') }}

),

renamed as (

    select
        message_id,
        campaign_id,
        channel,
        label as message_name,
        subject_line,
        sender_domain,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
