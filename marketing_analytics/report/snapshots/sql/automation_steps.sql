-- steps of flows, of ten mails and more, in the same way
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
    own.automation_id,
    own.automation_title,
    own.audience_id,
    own.step_position,
    own.step_title,
    own.delay_amount,
    own.delay_type,
    own.sent,
    own.delivered,
    own.human_openers,
    own.openers,
    own.human_clickers,
    own.clickers,
    own.unsubscribes,
    own.sent_next_step,
    own.hours_to_next_step,
    own.attributed_revenue_usd
from fct_automation_steps as own
inner join judged
    on own.platform = judged.platform and own.campaign_id = judged.campaign_id
where not judged.is_small
