with

decisions as (

    select * from {{ ref('int_consent__decisions') }}
    where purpose = 'analytics' and decision_source in ('ga4', 'given')

),

ranked as (

    select
        person_key,
        is_granted,
        row_number() over (
            partition by person_key
            order by {{ latest_decision() }}
        ) as decision_rank
    from decisions

),

refused as (

    -- a pseudonym that was given may be of a device or not: no other identifier is equal to it
    select person_key as device_key
    from ranked
    where decision_rank = 1 and not is_granted

)

select * from refused
