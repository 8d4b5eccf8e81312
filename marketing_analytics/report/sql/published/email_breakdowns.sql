-- mails by audience, sender and recipients' domain. Domains of few are merged in the mart; of audiences and
-- senders only those are told that got or sent a mail of ten recipients and more
select
    cells.platform,
    cells.breakdown,
    cells.cell,
    cells.sent,
    cells.delivered,
    cells.bounces,
    cells.human_openers,
    cells.machine_openers,
    cells.openers,
    cells.human_clickers,
    cells.clickers,
    cells.unsubscribes,
    cells.attributed_revenue_usd
from rpt_email_breakdowns as cells
inner join (
    select
        platform,
        'audience_id' as breakdown,
        coalesce(audience_id, 'unknown') as cell,
        max(sent) as largest
    from (
        select platform, audience_id, sent from fct_email_campaigns
        union all
        select platform, audience_id, sent from fct_automation_steps
    ) as mails
    group by platform, coalesce(audience_id, 'unknown')

    union all

    select
        platform,
        'sender_domain' as breakdown,
        coalesce(sender_domain, 'unknown') as cell,
        max(sent) as largest
    from (
        select platform, sender_domain, sent from fct_email_campaigns
        union all
        select platform, sender_domain, sent from fct_automation_steps
    ) as mails
    group by platform, coalesce(sender_domain, 'unknown')

    union all

    select
        platform,
        'recipient_domain' as breakdown,
        cell,
        max(sent) as largest
    from rpt_email_breakdowns
    where breakdown = 'recipient_domain'
    group by platform, cell
) as sizes
    on cells.platform = sizes.platform
    and cells.breakdown = sizes.breakdown
    and cells.cell = sizes.cell
where sizes.largest >= 10
