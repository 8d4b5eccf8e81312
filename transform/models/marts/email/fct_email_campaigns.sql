with

mails as (

    select * from {{ ref('int_email__mails') }}

),

activity as (

    select * from {{ ref('int_email__activity') }}

),

revenue as (

    select * from {{ ref('int_email__revenue') }}

),

attributed as (

    select
        platform,
        mail_id,
        sum(attributed_conversions) as attributed_conversions,
        sum(attributed_revenue_usd) as attributed_revenue_usd
    from revenue
    group by platform, mail_id

),

joined as (

    -- mails of flows have a mart of their own; of a draft there is nothing to tell
    select
        mails.platform,
        mails.mail_id as campaign_id,
        mails.mail_type as campaign_type,
        mails.mail_title as campaign_title,
        mails.subject_line,
        mails.audience_id,
        mails.audience_name,
        mails.sender_domain,
        mails.sent_at,
        {%- for figure in email_figures() %}
            activity.{{ figure }},
        {%- endfor %}
        activity.reported_human_opens,
        {{ credited_mail('attributed.attributed_conversions', 6) }} as attributed_conversions,
        {{ credited_mail('attributed.attributed_revenue_usd', 2) }} as attributed_revenue_usd
    from mails
    left join activity
        on mails.platform = activity.platform and mails.mail_id = activity.mail_id
    left join attributed
        on mails.platform = attributed.platform and mails.mail_id = attributed.mail_id
    where mails.flow_id is null and (mails.sent_at is not null or activity.sent > 0)

),

rated as (

    select
        *,
        {{ email_ratios() }}
    from joined

)

select * from rated
