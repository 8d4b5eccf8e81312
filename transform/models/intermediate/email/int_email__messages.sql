with

events as (

    select * from {{ ref('int_email__events') }}

),

counted as (

    select
        message_number,
        platform,
        mail_id,
        max(recipient_key) as recipient_key,
        max(recipient_domain) as recipient_domain,
        max(case when is_refused then 1 else 0 end) = 1 as is_refused,
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
    group by message_number, platform, mail_id

)

select * from counted
