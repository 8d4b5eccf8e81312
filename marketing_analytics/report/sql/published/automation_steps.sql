-- steps of flows, of ten mails and more, in the same way
select
    platform,
    automation_id,
    automation_title,
    audience_id,
    step_position,
    step_title,
    delay_amount,
    delay_type,
    sent,
    delivered,
    human_openers,
    openers,
    human_clickers,
    clickers,
    unsubscribes,
    sent_next_step,
    hours_to_next_step,
    attributed_revenue_usd
from (
    select
        *,
        sent < 10
        or coalesce(sum(sent) over (
            partition by platform, coalesce(audience_id, ''), coalesce(sender_domain, '')
            order by sent asc, campaign_id asc
            rows between unbounded preceding and 1 preceding
        ), 10) < 10 as is_small
    from fct_automation_steps
) as judged
where not is_small
