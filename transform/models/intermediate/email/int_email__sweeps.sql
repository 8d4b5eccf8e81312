with

events as (

    select * from {{ ref('int_email__reported') }}

),

arrivals as (

    select
        platform,
        message_key,
        min(event_at) as delivered_at
    from events
    where kind = 'delivered'
    group by platform, message_key

),

first_clicks as (

    select
        platform,
        message_key,
        clicked_url,
        min(event_at) as first_clicked_at
    from events
    where kind = 'click'
    group by platform, message_key, clicked_url

),

messages as (

    select
        platform,
        message_key,
        count(*) as clicked_links,
        min(first_clicked_at) as sweep_began_at,
        max(first_clicked_at) as sweep_ended_at
    from first_clicks
    group by platform, message_key

),

swept as (

    -- Scanners of mail servers follow every link at once, long before a person reads the mail;
    -- where nobody says when it arrived, the sweep alone counts
    select
        messages.platform,
        messages.message_key,
        messages.sweep_began_at,
        messages.sweep_ended_at
    from messages
    left join arrivals
        on messages.platform = arrivals.platform and messages.message_key = arrivals.message_key
    where
        messages.clicked_links >= {{ var('machine_click_links') }}
        and {{ seconds_between('messages.sweep_began_at', 'messages.sweep_ended_at') }}
        <= {{ var('machine_click_seconds') }}
        and (
            arrivals.delivered_at is null
            or {{ seconds_between('arrivals.delivered_at', 'messages.sweep_began_at') }}
            <= {{ var('machine_click_delivery_seconds') }}
        )

)

select * from swept
