with

customers as (

    select * from {{ ref('int_consent__customers') }}
    where is_opted_out and email_key is not null

),

decisions as (

    select * from {{ ref('int_consent__decisions') }}
    where purpose = 'analytics' and decision_source = 'given'

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

    select email_key from customers

    {{ union_distinct() }}

    -- a pseudonym that was given may be of an address or not: no other identifier is equal to it
    select person_key as email_key
    from ranked
    where decision_rank = 1 and not is_granted

)

select * from refused
