with

mails as (

    select * from {{ ref('int_email__mails') }}
    where flow_id is not null

),

messages as (

    select * from {{ ref('int_email__messages') }}
    where recipient_key is not null and sent = 1

),

received as (

    select
        mails.platform,
        mails.flow_id,
        mails.mail_id,
        messages.recipient_key,
        min(messages.delivered_at) as received_at
    from mails
    inner join messages
        on mails.platform = messages.platform and mails.mail_id = messages.mail_id
    group by mails.platform, mails.flow_id, mails.mail_id, messages.recipient_key

),

followed as (

    select
        *,
        min(received_at) over (
            partition by platform, flow_id, recipient_key
        ) as entered_at
    from received

),

delays as (

    select
        platform,
        mail_id,
        avg({{ seconds_between('entered_at', 'received_at') }}) as mean_delay_seconds
    from followed
    where received_at is not null
    group by platform, mail_id

),

placed as (

    -- where a platform tells no order, the steps stand in that in which people got them
    select
        mails.platform,
        mails.flow_id,
        mails.mail_id,
        cast(
            row_number() over (
                partition by mails.platform, mails.flow_id
                order by
                    mails.flow_place asc,
                    coalesce(delays.mean_delay_seconds, 0) asc,
                    mails.mail_id asc
            ) as bigint
        ) as step_position
    from mails
    left join delays on mails.platform = delays.platform and mails.mail_id = delays.mail_id

),

steps as (

    select
        placed.platform,
        placed.flow_id,
        placed.step_position,
        placed.mail_id,
        next_steps.mail_id as next_mail_id
    from placed
    left join placed as next_steps
        on placed.platform = next_steps.platform
        and placed.flow_id = next_steps.flow_id
        and placed.step_position + 1 = next_steps.step_position

),

moved as (

    -- by person, so those who refused are not among them
    select
        steps.platform,
        steps.mail_id,
        count(*) as recipients,
        count(next_received.recipient_key) as recipients_of_next_step,
        avg(
            {{ seconds_between('received.received_at', 'next_received.received_at') }}
        ) / 3600 as hours_to_next_step
    from steps
    inner join received
        on steps.platform = received.platform and steps.mail_id = received.mail_id
    left join received as next_received
        on steps.platform = next_received.platform
        and steps.next_mail_id = next_received.mail_id
        and received.recipient_key = next_received.recipient_key
    group by steps.platform, steps.mail_id

),

joined as (

    select
        steps.platform,
        steps.flow_id,
        steps.step_position,
        steps.mail_id,
        moved.recipients,
        case when steps.next_mail_id is not null then moved.recipients_of_next_step end
            as recipients_of_next_step,
        {{ as_double('moved.hours_to_next_step') }} as hours_to_next_step
    from steps
    left join moved on steps.platform = moved.platform and steps.mail_id = moved.mail_id

)

select * from joined
