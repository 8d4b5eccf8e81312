-- steps of flows, of ten mails and more, in the same way
select
    mails.platform,
    mails.automation_id,
    mails.automation_title,
    mails.audience_id,
    mails.step_position,
    mails.step_title,
    mails.delay_amount,
    mails.delay_type,
    mails.sent,
    mails.delivered,
    mails.human_openers,
    mails.openers,
    mails.human_clickers,
    mails.clickers,
    mails.unsubscribes,
    mails.sent_next_step,
    mails.hours_to_next_step,
    mails.attributed_revenue_usd
from fct_automation_steps as mails
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
