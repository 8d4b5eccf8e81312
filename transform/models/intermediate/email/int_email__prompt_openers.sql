with

events as (

    select * from {{ ref('int_email__reported') }}

),

arrivals as (

    select
        platform,
        recipient_key,
        message_key,
        min(event_at) as delivered_at
    from events
    where kind = 'delivered' and event_at is not null and recipient_key is not null
    group by platform, recipient_key, message_key

),

first_opens as (

    select
        platform,
        message_key,
        min(event_at) as first_opened_at
    from events
    where kind = 'open'
    group by platform, message_key

),

judged as (

    select
        arrivals.platform,
        arrivals.recipient_key,
        {{ seconds_between('arrivals.delivered_at', 'first_opens.first_opened_at') }}
        <= {{ var('machine_open_seconds') }} as is_prompt
    from arrivals
    left join first_opens
        on arrivals.platform = first_opens.platform
        and arrivals.message_key = first_opens.message_key

),

counted as (

    select
        platform,
        recipient_key,
        count(*) as messages,
        count(case when is_prompt then 1 end) as prompt_messages
    from judged
    group by platform, recipient_key

),

prompt as (

    -- a proxy loads the pictures of every mail soon after it arrived; persons, also those who read
    -- nearly all of them, take hours
    select *
    from counted
    where 100 * prompt_messages >= {{ var('machine_open_percent') }} * messages

)

select * from prompt
