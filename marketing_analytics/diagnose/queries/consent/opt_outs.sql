-- customers whose last decision about being measured is a refusal, and who are not opted out
with last_decisions as (

    select
        customers.customer_key,
        customers.is_opted_out,
        decisions.is_granted,
        decisions.changed_at,
        row_number() over (
            partition by customers.customer_key
            order by
                decisions.changed_at desc,
                case when decisions.is_granted then 1 else 0 end asc
        ) as recency
    from int_consent__customers as customers
    inner join int_consent__decisions as decisions
        on decisions.person_key in (customers.customer_key, customers.email_key)
    where decisions.purpose = 'analytics'

)

select
    count(*) as refusals,
    count(case when not is_opted_out then 1 end) as not_applied,
    min(case when not is_opted_out then changed_at end) as since_at
from last_decisions
where recency = 1 and not is_granted
