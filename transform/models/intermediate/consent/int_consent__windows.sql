with

customers as (

    select * from {{ ref('int_consent__customers') }}

),

decisions as (

    select * from {{ ref('int_consent__decisions') }}
    where decision_source in ('ga4', 'given') and purpose <> 'analytics'

),

ranked as (

    select
        person_key,
        purpose,
        is_granted,
        row_number() over (
            partition by person_key, purpose
            order by {{ latest_decision() }}
        ) as decision_rank
    from decisions

),

refusals as (

    select
        customer_key as person_key,
        has_denied_marketing,
        has_denied_profiling
    from customers

    union all

    -- of a device that is nobody's, or a guest's; other pseudonyms are equal to no person's
    select
        ranked.person_key,
        max(case when ranked.purpose = 'marketing' then 1 else 0 end) = 1 as has_denied_marketing,
        max(case when ranked.purpose = 'profiling' then 1 else 0 end) = 1 as has_denied_profiling
    from ranked
    left join customers on ranked.person_key = customers.customer_key
    where ranked.decision_rank = 1 and not ranked.is_granted and customers.customer_key is null
    group by ranked.person_key

),

judged as (

    select
        person_key,
        cast({{ consent_window_days() }} as integer) as window_days
    from refusals

),

limited as (

    select * from judged
    where window_days is not null

)

select * from limited
