with

reported as (

    select * from {{ ref('int_email__reported') }}

),

sweeps as (

    select * from {{ ref('int_email__sweeps') }}

),

prompt_openers as (

    select * from {{ ref('int_email__prompt_openers') }}

),

rules as (

    select * from {{ ref('email_machine_rules') }}

),

refusers as (

    select * from {{ ref('int_consent__addresses') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by platform, message_key, kind
            order by event_at asc, event_key asc
        ) as kind_position
    from reported

),

found as (

    -- the same recipient may click again, as a person; a scanner opens while it sweeps
    select
        numbered.platform,
        numbered.event_key,
        numbered.kind,
        case
            when
                rules.rule = 'sweep'
                and numbered.event_at <= sweeps.sweep_ended_at
                and (numbered.kind = 'click' or numbered.event_at >= sweeps.sweep_began_at)
                then 1
            when
                (rules.rule = 'flag' and numbered.is_flagged)
                or (
                    rules.rule = 'prompt_opener'
                    and numbered.kind_position = 1
                    and prompt_openers.recipient_key is not null
                )
                then 2
        end as rule_rank,
        rules.reason
    from numbered
    inner join rules on numbered.platform = rules.platform and numbered.kind = rules.kind
    left join sweeps
        on numbered.platform = sweeps.platform and numbered.message_key = sweeps.message_key
    left join prompt_openers
        on numbered.platform = prompt_openers.platform
        and numbered.recipient_key = prompt_openers.recipient_key

),

ranked as (

    select
        platform,
        event_key,
        kind,
        reason,
        row_number() over (
            partition by platform, event_key
            order by rule_rank asc
        ) as reason_rank
    from found
    where rule_rank is not null

),

marked as (

    -- what refusers did counts, and nothing tells that it was theirs
    select
        row_number() over (
            order by reported.platform asc, reported.event_key asc, reported.kind asc
        ) as event_number,
        dense_rank() over (
            order by reported.platform asc, reported.mail_id asc, reported.message_key asc
        ) as message_number,
        reported.platform,
        reported.mail_id,
        case when refusers.email_key is null then reported.recipient_key end as recipient_key,
        case when refusers.email_key is null then reported.recipient_domain end
            as recipient_domain,
        case when refusers.email_key is null then reported.event_key end as event_key,
        refusers.email_key is not null as is_refused,
        reported.kind,
        reported.event_at,
        reported.clicked_url,
        ranked.reason is not null as is_machine,
        ranked.reason as machine_reason
    from reported
    left join refusers on reported.recipient_key = refusers.email_key
    left join ranked
        on reported.platform = ranked.platform
        and reported.event_key = ranked.event_key
        and reported.kind = ranked.kind
        and ranked.reason_rank = 1

)

select * from marked
