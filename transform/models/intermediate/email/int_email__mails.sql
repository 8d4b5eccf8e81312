with

mailchimp_campaigns as (

    select * from {{ ref('stg_mailchimp__campaigns') }}

),

mailchimp_steps as (

    select * from {{ ref('stg_mailchimp__automation_emails') }}

),

mailchimp_flows as (

    select * from {{ ref('stg_mailchimp__automations') }}

),

audiences as (

    select * from {{ ref('stg_mailchimp__audiences') }}

),

klaviyo_campaigns as (

    select * from {{ ref('stg_klaviyo__campaigns') }}
    where channel = 'email'

),

klaviyo_messages as (

    select * from {{ ref('stg_klaviyo__campaign_messages') }}

),

klaviyo_actions as (

    select * from {{ ref('stg_klaviyo__flow_actions') }}
    where message_id is not null

),

klaviyo_flows as (

    select * from {{ ref('stg_klaviyo__flows') }}

),

hubspot_emails as (

    select * from {{ ref('stg_hubspot__emails') }}

),

hubspot_steps as (

    select * from {{ ref('stg_hubspot__workflow_emails') }}

),

hubspot_flows as (

    select * from {{ ref('stg_hubspot__workflows') }}

),

sendgrid_events as (

    select * from {{ ref('stg_sendgrid__events') }}
    where mail_id is not null

),

klaviyo_first_messages as (

    -- the variations of a campaign are sent alike
    select
        campaign_id,
        min(subject_line) as subject_line,
        min(sender_domain) as sender_domain
    from klaviyo_messages
    group by campaign_id

),

hubspot_sent_by as (

    -- an e-mail may stand in several workflows: it counts in one
    select
        marketing_email_id,
        min(workflow_id) as workflow_id
    from hubspot_steps
    group by marketing_email_id

),

mails as (

    select
        'mailchimp' as platform,
        campaigns.campaign_id as mail_id,
        campaigns.campaign_type as mail_type,
        campaigns.campaign_title as mail_title,
        campaigns.subject_line,
        campaigns.sent_at,
        campaigns.list_id as audience_id,
        campaigns.sender_domain,
        {{ as_text('null') }} as flow_id,
        {{ as_text('null') }} as flow_title,
        cast(null as bigint) as flow_place,
        cast(null as bigint) as delay_amount,
        {{ as_text('null') }} as delay_type
    from mailchimp_campaigns as campaigns
    left join mailchimp_steps on campaigns.campaign_id = mailchimp_steps.campaign_id
    where mailchimp_steps.campaign_id is null

    union all

    select
        'mailchimp' as platform,
        steps.campaign_id as mail_id,
        'automation' as mail_type,
        steps.step_title as mail_title,
        steps.subject_line,
        cast(null as timestamp) as sent_at,
        flows.list_id as audience_id,
        steps.sender_domain,
        steps.automation_id as flow_id,
        flows.automation_title as flow_title,
        steps.step_position as flow_place,
        steps.delay_amount,
        steps.delay_type
    from mailchimp_steps as steps
    left join mailchimp_flows as flows on steps.automation_id = flows.automation_id

    union all

    select
        'klaviyo' as platform,
        campaigns.campaign_id as mail_id,
        'campaign' as mail_type,
        campaigns.campaign_name as mail_title,
        messages.subject_line,
        campaigns.sent_at,
        {{ as_text('null') }} as audience_id,
        messages.sender_domain,
        {{ as_text('null') }} as flow_id,
        {{ as_text('null') }} as flow_title,
        cast(null as bigint) as flow_place,
        cast(null as bigint) as delay_amount,
        {{ as_text('null') }} as delay_type
    from klaviyo_campaigns as campaigns
    left join klaviyo_first_messages as messages on campaigns.campaign_id = messages.campaign_id

    union all

    select
        'klaviyo' as platform,
        steps.message_id as mail_id,
        'flow' as mail_type,
        steps.message_name as mail_title,
        steps.subject_line,
        cast(null as timestamp) as sent_at,
        {{ as_text('null') }} as audience_id,
        steps.sender_domain,
        steps.flow_id,
        flows.flow_name as flow_title,
        cast(null as bigint) as flow_place,
        cast(null as bigint) as delay_amount,
        {{ as_text('null') }} as delay_type
    from klaviyo_actions as steps
    left join klaviyo_flows as flows on steps.flow_id = flows.flow_id

    union all

    select
        'hubspot' as platform,
        emails.marketing_email_id as mail_id,
        emails.email_type as mail_type,
        emails.email_name as mail_title,
        emails.subject_line,
        case when sent_by.workflow_id is null then emails.published_at end as sent_at,
        {{ as_text('null') }} as audience_id,
        emails.sender_domain,
        sent_by.workflow_id as flow_id,
        flows.workflow_name as flow_title,
        cast(null as bigint) as flow_place,
        cast(null as bigint) as delay_amount,
        {{ as_text('null') }} as delay_type
    from hubspot_emails as emails
    left join hubspot_sent_by as sent_by on emails.marketing_email_id = sent_by.marketing_email_id
    left join hubspot_flows as flows on sent_by.workflow_id = flows.workflow_id

    union all

    select
        'sendgrid' as platform,
        mail_id,
        case when min(campaign_id) is null then 'category' else 'campaign' end as mail_type,
        coalesce(min(campaign_name), mail_id) as mail_title,
        {{ as_text('null') }} as subject_line,
        cast(null as timestamp) as sent_at,
        {{ as_text('null') }} as audience_id,
        {{ as_text('null') }} as sender_domain,
        {{ as_text('null') }} as flow_id,
        {{ as_text('null') }} as flow_title,
        cast(null as bigint) as flow_place,
        cast(null as bigint) as delay_amount,
        {{ as_text('null') }} as delay_type
    from sendgrid_events
    group by mail_id

),

named as (

    select
        mails.*,
        audiences.audience_name
    from mails
    left join audiences on mails.platform = 'mailchimp' and mails.audience_id = audiences.list_id

)

select * from named
