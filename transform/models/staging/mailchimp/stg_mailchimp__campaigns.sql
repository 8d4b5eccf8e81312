with

source as (

    select * from {{ source('mailchimp', 'campaigns') }}

),

renamed as (

    select
        campaign_id,
        list_id,
        type as campaign_type,
        status as campaign_status,
        title as campaign_title,
        subject_line,
        coalesce(emails_sent, 0) as emails_sent,
        sender_domain,
        {{ to_utc('send_at') }} as sent_at,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
