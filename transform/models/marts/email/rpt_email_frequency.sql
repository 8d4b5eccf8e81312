with

messages as (

    select * from {{ ref('int_email__messages') }}
    where delivered = 1 and delivered_at is not null and recipient_key is not null

),

dated as (

    select
        platform,
        recipient_key,
        human_opens,
        human_clicks,
        unsubscribes,
        complaints,
        {{ days_between("cast('1970-01-01' as date)", 'cast(delivered_at as date)') }}
            as day_number
    from messages

),

counted as (

    -- those of the day itself are among them
    select
        *,
        count(*) over (
            partition by platform, recipient_key
            order by day_number asc
            range between 29 preceding and current row
        ) as messages_in_30_days
    from dated

),

grouped as (

    select
        platform,
        cast(
            case
                when messages_in_30_days < {{ var('email_frequency_most') }}
                    then messages_in_30_days
                else {{ var('email_frequency_most') }}
            end as bigint
        ) as messages_in_30_days,
        count(*) as delivered,
        count(distinct recipient_key) as recipients,
        count(case when human_opens > 0 then 1 end) as human_openers,
        count(case when human_clicks > 0 then 1 end) as human_clickers,
        cast(sum(unsubscribes) as bigint) as unsubscribes,
        cast(case when platform <> 'mailchimp' then sum(complaints) end as bigint)
            as complaints
    from counted
    group by
        platform,
        case
            when messages_in_30_days < {{ var('email_frequency_most') }}
                then messages_in_30_days
            else {{ var('email_frequency_most') }}
        end

),

rated as (

    select
        *,
        {{ safe_ratio('human_openers', 'delivered') }} as open_rate,
        {{ safe_ratio('human_clickers', 'delivered') }} as click_rate,
        {{ safe_ratio('human_clickers', 'human_openers') }} as click_to_open_rate,
        {{ safe_ratio('unsubscribes', 'delivered') }} as unsubscribe_rate,
        {{ safe_ratio('complaints', 'delivered') }} as complaint_rate
    from grouped

)

select * from rated
