-- customers whose last decision about being measured is a refusal, and who are not opted out
with keyed as (

    select
        customer_key,
        customer_key as person_key
    from int_consent__customers
    union
    select
        customer_key,
        email_key as person_key
    from int_consent__customers
    where email_key is not null

),

ranked as (

    select
        keyed.customer_key,
        decisions.is_granted,
        decisions.changed_at,
        row_number() over (
            partition by keyed.customer_key
            order by
                decisions.changed_at desc,
                case when decisions.is_granted then 1 else 0 end asc
        ) as recency
    from keyed
    inner join int_consent__decisions as decisions on keyed.person_key = decisions.person_key
    where decisions.purpose = 'analytics'

)

select
    count(*) as refusals,
    count(case when not customers.is_opted_out then 1 end) as not_applied,
    min(case when not customers.is_opted_out then ranked.changed_at end) as since_at
from ranked
inner join int_consent__customers as customers on ranked.customer_key = customers.customer_key
where ranked.recency = 1 and not ranked.is_granted
