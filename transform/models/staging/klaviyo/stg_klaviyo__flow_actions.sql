with

source as (

    select * from {{ source('klaviyo', 'flow_actions') }}

),

renamed as (

    select
        action_id,
        flow_id,
        action_type,
        status as action_status,
        message_id,
        message_name,
        subject_line,
        sender_domain,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
