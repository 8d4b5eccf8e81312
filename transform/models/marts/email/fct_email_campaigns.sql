with

campaigns as (

    select * from {{ ref('stg_mailchimp__campaigns') }}

),

activity as (

    select * from {{ ref('int_email__activity') }}

),

steps as (

    select * from {{ ref('stg_mailchimp__automation_emails') }}

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

    -- emails of flows have a mart of their own
    select
        campaigns.campaign_id,
        campaigns.campaign_type,
        campaigns.campaign_title,
        campaigns.subject_line,
        campaigns.sent_at,
        coalesce(activity.sent, 0) as sent,
        coalesce(activity.bounces, 0) as bounces,
        coalesce(activity.delivered, 0) as delivered,
        coalesce(activity.human_opens, 0) as human_opens,
        coalesce(activity.machine_opens, 0) as machine_opens,
        coalesce(activity.human_openers, 0) as human_openers,
        coalesce(activity.clicks, 0) as clicks,
        coalesce(activity.human_clicks, 0) as human_clicks,
        coalesce(activity.machine_clicks, 0) as machine_clicks,
        coalesce(activity.clickers, 0) as clickers,
        coalesce(activity.human_clickers, 0) as human_clickers,
        coalesce(activity.unsubscribes, 0) as unsubscribes,
        cast(coalesce(attributed.attributed_conversions, 0) as decimal(18, 6))
            as attributed_conversions,
        cast(coalesce(attributed.attributed_revenue_usd, 0) as decimal(18, 2))
            as attributed_revenue_usd
    from campaigns
    left join steps on campaigns.campaign_id = steps.campaign_id
    left join activity on campaigns.campaign_id = activity.campaign_id
    left join attributed on campaigns.campaign_id = attributed.campaign_id
    where steps.campaign_id is null and campaigns.sent_at is not null

),

rated as (

    select
        *,
        {{ safe_ratio('delivered', 'sent') }} as delivery_rate,
        {{ safe_ratio('human_openers', 'delivered') }} as open_rate,
        {{ safe_ratio('human_clickers', 'delivered') }} as click_rate,
        {{ safe_ratio('human_clickers', 'human_openers') }} as click_to_open_rate,
        {{ safe_ratio('unsubscribes', 'delivered') }} as unsubscribe_rate,
        {{ safe_ratio('attributed_revenue_usd', 'delivered') }} as revenue_per_delivered_usd
    from joined

)

select * from rated
