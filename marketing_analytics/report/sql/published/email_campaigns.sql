-- mails of ten recipients and more; a smaller one is left out, with the next larger one of its platform,
-- audience and sender where it could be told by subtraction
select
    mails.platform,
    mails.campaign_id,
    mails.campaign_title,
    mails.subject_line,
    mails.audience_id,
    mails.audience_name,
    cast(mails.sent_at as date) as day_date,
    mails.sent,
    mails.delivered,
    mails.bounces,
    mails.human_opens,
    mails.machine_opens,
    mails.human_openers,
    mails.openers,
    mails.human_clicks,
    mails.machine_clicks,
    mails.human_clickers,
    mails.clickers,
    mails.unsubscribes,
    mails.complaints,
    mails.attributed_conversions,
    mails.attributed_revenue_usd
from fct_email_campaigns as mails
inner join (
    -- both kinds are of one sum by audience and sender
    select
        platform,
        campaign_id,
        sent < 10
        or coalesce(sum(sent) over (
            partition by platform, audience_id, sender_domain
            order by sent asc, campaign_id asc
            rows between unbounded preceding and 1 preceding
        ), 10) < 10 as is_small
    from (
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
    ) as both_kinds
) as judged
    on mails.platform = judged.platform and mails.campaign_id = judged.campaign_id
where not judged.is_small
