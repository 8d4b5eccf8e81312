with

source as (

    select * from {{ source('mailchimp', 'automation_emails') }}

),

renamed as (

    select
        email_campaign_id as campaign_id,
        automation_id,
        position as step_position,
        title as step_title,
        subject_line,
        status as step_status,
        delay_amount,
        delay_type,
        coalesce(emails_sent, 0) as emails_sent,
        sender_domain,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
