with

source as (

    select * from {{ source('sendgrid', 'events') }}

),

renamed as (

    select
        event_id,
        message_id,
        event_type,
        {{ to_utc('event_at') }} as event_at,
        email_key,
        email_domain as recipient_domain,
        coalesce(
            nullif(campaign_id, ''), nullif({{ text_part('categories', '"', 2) }}, '')
        ) as mail_id,
        categories,
        coalesce(is_machine_open, false) as is_machine,
        clicked_url,
        bounce_type,
        bounce_class,
        status as status_code,
        reason as event_reason,
        attempt as attempt_number,
        group_id,
        campaign_id,
        campaign_name,
        custom_args,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
