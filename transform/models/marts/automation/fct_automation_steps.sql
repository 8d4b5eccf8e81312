with

steps as (

    select * from {{ ref('stg_mailchimp__automation_emails') }}

),

automations as (

    select * from {{ ref('stg_mailchimp__automations') }}

),

activity as (

    select * from {{ ref('int_email__activity') }}

),

attribution as (

    select * from {{ ref('fct_attribution') }}
    where
        model = '{{ var("default_attribution_model") }}'
        and is_own_window
        and channel = 'email'

),

attributed as (

    select
        campaign_id,
        sum(credit) as attributed_conversions,
        sum(revenue_usd) as attributed_revenue_usd
    from attribution
    group by campaign_id

),

joined as (

    select
        steps.automation_id,
        steps.step_position,
        steps.campaign_id,
        automations.automation_title,
        steps.step_title,
        steps.subject_line,
        steps.delay_amount,
        steps.delay_type,
        coalesce(activity.sent, 0) as sent,
        coalesce(activity.delivered, 0) as delivered,
        coalesce(activity.human_opens, 0) as human_opens,
        coalesce(activity.machine_opens, 0) as machine_opens,
        coalesce(activity.human_openers, 0) as human_openers,
        coalesce(activity.clicks, 0) as clicks,
        coalesce(activity.clickers, 0) as clickers,
        coalesce(activity.human_clickers, 0) as human_clickers,
        coalesce(activity.unsubscribes, 0) as unsubscribes,
        cast(coalesce(attributed.attributed_conversions, 0) as decimal(18, 6))
            as attributed_conversions,
        cast(coalesce(attributed.attributed_revenue_usd, 0) as decimal(18, 2))
            as attributed_revenue_usd
    from steps
    left join automations on steps.automation_id = automations.automation_id
    left join activity on steps.campaign_id = activity.campaign_id
    left join attributed on steps.campaign_id = attributed.campaign_id

),

followed as (

    select
        *,
        lead(sent) over (
            partition by automation_id
            order by step_position, campaign_id
        ) as sent_next_step
    from joined

),

rated as (

    select
        *,
        {{ safe_ratio('human_openers', 'delivered') }} as open_rate,
        {{ safe_ratio('human_clickers', 'delivered') }} as click_rate,
        {{ safe_ratio('unsubscribes', 'delivered') }} as unsubscribe_rate,
        1 - {{ safe_ratio('sent_next_step', 'sent') }} as drop_off_to_next_step
    from followed

)

select * from rated
