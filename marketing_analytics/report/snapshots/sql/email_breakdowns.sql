-- mails by audience, sender and recipients' domain. Domains of few are merged in the mart; of
-- audiences and senders only those are told that got or sent a mail of ten recipients and more
with

mails as (

    select
        platform,
        coalesce(audience_id, 'unknown') as audience_id,
        coalesce(sender_domain, 'unknown') as sender_domain,
        sent
    from fct_email_campaigns

    union all

    select
        platform,
        coalesce(audience_id, 'unknown') as audience_id,
        coalesce(sender_domain, 'unknown') as sender_domain,
        sent
    from fct_automation_steps

),

large as (

    select
        platform,
        'audience_id' as breakdown,
        audience_id as cell
    from mails
    group by platform, audience_id
    having max(sent) >= 10

    union all

    select
        platform,
        'sender_domain' as breakdown,
        sender_domain as cell
    from mails
    group by platform, sender_domain
    having max(sent) >= 10

    union all

    select
        platform,
        breakdown,
        cell
    from rpt_email_breakdowns
    where breakdown = 'recipient_domain' and sent >= 10

)

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
inner join large
    on cells.platform = large.platform
    and cells.breakdown = large.breakdown
    and cells.cell = large.cell
