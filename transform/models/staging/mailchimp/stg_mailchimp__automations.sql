with

source as (

    select * from {{ source('mailchimp', 'automations') }}

),

renamed as (

    select
        automation_id,
        list_id,
        title as automation_title,
        status as automation_status,
        coalesce(emails_sent, 0) as emails_sent,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('started_at') }} as started_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
