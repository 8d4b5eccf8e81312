with

mailchimp_recipients as (

    select * from {{ ref('stg_mailchimp__sent_to') }}

),

mailchimp_activity as (

    select * from {{ ref('stg_mailchimp__email_activity') }}
    where action in ('open', 'click')

),

mailchimp_unsubscribes as (

    select * from {{ ref('stg_mailchimp__unsubscribes') }}

),

klaviyo_events as (

    select * from {{ ref('stg_klaviyo__events') }}
    where message_id is not null

),

klaviyo_profiles as (

    select * from {{ ref('stg_klaviyo__profiles') }}

),

sendgrid_events as (

    select * from {{ ref('stg_sendgrid__events') }}
    where mail_id is not null

),

mails as (

    select * from {{ ref('int_email__mails') }}

),

kinds as (

    select * from {{ ref('email_event_kinds') }}

),

events as (

    -- Mailchimp tells when a campaign began to be sent, and of flows and bounces no time
    select
        'mailchimp' as platform,
        recipients.campaign_id as mail_id,
        recipients.campaign_id || '/' || recipients.email_key as message_key,
        recipients.email_key as recipient_key,
        recipients.recipient_domain,
        recipients.campaign_id || '/' || recipients.email_key || '/sent' as event_key,
        recipients.delivery_status as event_name,
        {{ as_text('null') }} as event_detail,
        mails.sent_at as event_at,
        {{ as_text('null') }} as clicked_url,
        cast(null as boolean) as is_flagged
    from mailchimp_recipients as recipients
    left join mails
        on mails.platform = 'mailchimp' and recipients.campaign_id = mails.mail_id

    union all

    select
        'mailchimp' as platform,
        campaign_id as mail_id,
        campaign_id || '/' || email_key as message_key,
        email_key as recipient_key,
        {{ as_text('null') }} as recipient_domain,
        campaign_id || '/' || email_key || '/' || {{ as_text('activity_index') }} as event_key,
        action as event_name,
        {{ as_text('null') }} as event_detail,
        activity_at as event_at,
        clicked_url,
        cast(null as boolean) as is_flagged
    from mailchimp_activity

    union all

    select
        'mailchimp' as platform,
        campaign_id as mail_id,
        campaign_id || '/' || email_key as message_key,
        email_key as recipient_key,
        {{ as_text('null') }} as recipient_domain,
        campaign_id || '/' || email_key || '/unsubscribe' as event_key,
        'unsubscribe' as event_name,
        {{ as_text('null') }} as event_detail,
        unsubscribed_at as event_at,
        {{ as_text('null') }} as clicked_url,
        cast(null as boolean) as is_flagged
    from mailchimp_unsubscribes

    union all

    select
        'klaviyo' as platform,
        coalesce(events.campaign_id, events.message_id) as mail_id,
        events.message_id || '/' || events.profile_id as message_key,
        profiles.email_key as recipient_key,
        profiles.email_domain as recipient_domain,
        events.event_id as event_key,
        events.metric_name as event_name,
        events.bounce_type as event_detail,
        events.event_at,
        events.clicked_url,
        events.is_machine as is_flagged
    from klaviyo_events as events
    left join klaviyo_profiles as profiles on events.profile_id = profiles.profile_id

    union all

    select
        'sendgrid' as platform,
        mail_id,
        message_id as message_key,
        email_key as recipient_key,
        recipient_domain,
        event_id as event_key,
        event_type as event_name,
        bounce_type as event_detail,
        event_at,
        clicked_url,
        is_machine as is_flagged
    from sendgrid_events

),

kept as (

    select
        events.platform,
        events.mail_id,
        events.message_key,
        events.recipient_key,
        events.recipient_domain,
        events.event_key,
        kinds.kind,
        events.event_at,
        events.clicked_url,
        events.is_flagged
    from events
    inner join kinds
        on events.platform = kinds.platform
        and events.event_name = kinds.event_name
        and coalesce(nullif(events.event_detail, ''), '-') = kinds.event_detail

)

select * from kept
