-- mails of ten recipients and more; a smaller one is left out, with the next larger one of its
-- platform, audience and sender where it could be told by subtraction
with

mails as (

    select
        platform,
        campaign_id,
        sent,
        audience_id,
        sender_domain
    from fct_email_campaigns

    union all

    select
        platform,
        campaign_id,
        sent,
        audience_id,
        sender_domain
    from fct_automation_steps

),

judged as (

    -- campaigns and steps are of one sum by audience and sender
    select
        platform,
        campaign_id,
        sent < 10
        or coalesce(sum(sent) over (
            partition by platform, audience_id, sender_domain
            order by sent asc, campaign_id asc
            rows between unbounded preceding and 1 preceding
        ), 10) < 10 as is_small
    from mails

)

select
    own.platform,
    own.campaign_id,
    own.campaign_title,
    own.subject_line,
    own.audience_id,
    own.audience_name,
    cast(own.sent_at as date) as day_date,
    own.sent,
    own.delivered,
    own.bounces,
    own.human_opens,
    own.machine_opens,
    own.human_openers,
    own.openers,
    own.human_clicks,
    own.machine_clicks,
    own.human_clickers,
    own.clickers,
    own.unsubscribes,
    own.complaints,
    own.attributed_conversions,
    own.attributed_revenue_usd
from fct_email_campaigns as own
inner join judged
    on own.platform = judged.platform and own.campaign_id = judged.campaign_id
where not judged.is_small
