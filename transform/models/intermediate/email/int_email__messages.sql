with

events as (

    select * from {{ ref('int_email__events') }}

),

refusers as (

    select * from {{ ref('int_consent__addresses') }}

),

counted as (

    select
        platform,
        mail_id,
        message_key,
        max(recipient_key) as recipient_key,
        max(recipient_domain) as recipient_domain,
        min(case when kind = 'delivered' then event_at end) as delivered_at,
        min(case when kind = 'open' and not is_machine then event_at end) as human_opened_at,
        min(case when kind = 'click' and not is_machine then event_at end) as human_clicked_at,
        max(case when kind = 'sent' then 1 else 0 end) as sent,
        max(case when kind = 'delivered' then 1 else 0 end) as delivered,
        count(case when kind = 'open' and not is_machine then 1 end) as human_opens,
        count(case when kind = 'open' and is_machine then 1 end) as machine_opens,
        count(case when kind = 'click' and not is_machine then 1 end) as human_clicks,
        count(case when kind = 'click' and is_machine then 1 end) as machine_clicks,
        max(case when kind = 'hard_bounce' then 1 else 0 end) as hard_bounces,
        max(case when kind = 'soft_bounce' then 1 else 0 end) as soft_bounces,
        max(case when kind in ('hard_bounce', 'soft_bounce', 'bounce') then 1 else 0 end)
            as bounces,
        max(case when kind = 'unsubscribe' then 1 else 0 end) as unsubscribes,
        max(case when kind = 'complaint' then 1 else 0 end) as complaints
    from events
    group by platform, mail_id, message_key

),

numbered as (

    -- messages of who refused count, and nothing tells whose they were
    select
        row_number() over (
            order by counted.platform asc, counted.mail_id asc, counted.message_key asc
        ) as message_number,
        counted.platform,
        counted.mail_id,
        case when refusers.email_key is null then counted.recipient_key end as recipient_key,
        case when refusers.email_key is null then counted.recipient_domain end
            as recipient_domain,
        refusers.email_key is not null as is_refused,
        counted.delivered_at,
        counted.human_opened_at,
        counted.human_clicked_at,
        counted.sent,
        counted.delivered,
        counted.human_opens,
        counted.machine_opens,
        counted.human_clicks,
        counted.machine_clicks,
        counted.hard_bounces,
        counted.soft_bounces,
        counted.bounces,
        counted.unsubscribes,
        counted.complaints
    from counted
    left join refusers on counted.recipient_key = refusers.email_key

)

select * from numbered
