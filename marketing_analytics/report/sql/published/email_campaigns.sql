-- mails of ten recipients and more; a smaller one is left out, with the next larger one of its platform,
-- audience and sender where it could be told by subtraction
select
    platform,
    campaign_id,
    campaign_title,
    subject_line,
    audience_id,
    audience_name,
    cast(sent_at as date) as day_date,
    sent,
    delivered,
    bounces,
    human_opens,
    machine_opens,
    human_openers,
    openers,
    human_clicks,
    machine_clicks,
    human_clickers,
    clickers,
    unsubscribes,
    complaints,
    attributed_conversions,
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
    from fct_email_campaigns
) as judged
where not is_small
