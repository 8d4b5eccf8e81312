with

steps as (

    select * from {{ ref('int_email__flow_steps') }}

),

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
    where mail_id is not null
    group by platform, mail_id

),

joined as (

    select
        steps.platform,
        steps.flow_id as automation_id,
        steps.step_position,
        steps.mail_id as campaign_id,
        mails.flow_title as automation_title,
        mails.mail_title as step_title,
        mails.subject_line,
        mails.audience_id,
        mails.sender_domain,
        mails.delay_amount,
        mails.delay_type,
        {%- for figure in email_figures() %}
            activity.{{ figure }},
        {%- endfor %}
        steps.recipients,
        steps.recipients_of_next_step,
        steps.hours_to_next_step,
        {{ credited_mail('attributed.attributed_conversions', 6) }} as attributed_conversions,
        {{ credited_mail('attributed.attributed_revenue_usd', 2) }} as attributed_revenue_usd
    from steps
    inner join mails on steps.platform = mails.platform and steps.mail_id = mails.mail_id
    left join activity on steps.platform = activity.platform and steps.mail_id = activity.mail_id
    left join attributed
        on steps.platform = attributed.platform and steps.mail_id = attributed.mail_id

),

followed as (

    -- a step that nobody has got yet was sent to nobody
    select
        *,
        lead(coalesce(sent, 0)) over (
            partition by platform, automation_id
            order by step_position asc
        ) as sent_next_step
    from joined

),

rated as (

    select
        *,
        {{ email_ratios() }},
        1 - {{ safe_ratio('sent_next_step', 'sent') }} as drop_off_to_next_step
    from followed

)

select * from rated
