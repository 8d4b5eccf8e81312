-- campaigns and steps together are each breakdown, and its revenue is that of the channel
{{ config(tags=['business_logic']) }}

with

campaigns as (

    select * from {{ ref('fct_email_campaigns') }}

),

steps as (

    select * from {{ ref('fct_automation_steps') }}

),

breakdowns as (

    select * from {{ ref('rpt_email_breakdowns') }}

),

attribution as (

    select * from {{ ref('int_attribution__default_model') }}
    where channel = 'email'

),

messages as (

    select * from {{ ref('int_email__messages') }}

),

parts as (

    select
        platform,
        sent,
        human_opens,
        machine_opens,
        human_clicks,
        machine_clicks
    from campaigns

    union all

    select
        platform,
        sent,
        human_opens,
        machine_opens,
        human_clicks,
        machine_clicks
    from steps

),

mails as (

    select
        platform,
        sum(sent) as sent,
        sum(human_opens) as human_opens,
        sum(machine_opens) as machine_opens,
        sum(human_clicks) as human_clicks,
        sum(machine_clicks) as machine_clicks
    from parts
    group by platform

),

known as (

    select
        platform,
        sum(sent) as sent
    from messages
    group by platform

),

cells as (

    select
        platform,
        breakdown,
        sum(sent) as sent,
        sum(human_opens) as human_opens,
        sum(machine_opens) as machine_opens,
        sum(human_clicks) as human_clicks,
        sum(machine_clicks) as machine_clicks
    from breakdowns
    where sent is not null
    group by platform, breakdown

),

credited as (

    select
        breakdown,
        sum(attributed_conversions) as attributed_conversions,
        sum(attributed_revenue_usd) as attributed_revenue_usd
    from breakdowns
    group by breakdown

),

credit as (

    select
        coalesce(sum(credit), 0) as attributed_conversions,
        coalesce(sum(revenue_usd), 0) as attributed_revenue_usd
    from attribution

),

violations as (

    select
        cells.platform,
        cells.breakdown
    from cells
    left join mails on cells.platform = mails.platform
    where
        mails.sent is null
        or cells.sent <> mails.sent
        or coalesce(cells.human_opens, -1) <> coalesce(mails.human_opens, -1)
        or coalesce(cells.machine_opens, -1) <> coalesce(mails.machine_opens, -1)
        or coalesce(cells.human_clicks, -1) <> coalesce(mails.human_clicks, -1)
        or coalesce(cells.machine_clicks, -1) <> coalesce(mails.machine_clicks, -1)

    union all

    select
        known.platform,
        'messages' as breakdown
    from known
    left join mails on known.platform = mails.platform
    where known.sent <> coalesce(mails.sent, 0)

    union all

    select
        'revenue' as platform,
        credited.breakdown
    from credited
    cross join credit
    where
        coalesce(credited.attributed_revenue_usd, 0) <> credit.attributed_revenue_usd
        -- credit is shown with six decimals
        or abs(coalesce(credited.attributed_conversions, 0) - credit.attributed_conversions) > 0.01

)

select * from violations
