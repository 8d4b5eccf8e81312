-- customers of the last twelve weeks whom nobody asked, by country
with asked as (

    select distinct person_key from int_consent__decisions
    where decision_source in ('shop', 'given')

)

select
    customers.country,
    count(*) as customers,
    count(case when asked.person_key is null then 1 end) as without_decision
from int_consent__customers as customers
cross join int_calendar__as_of as as_of
left join asked on customers.customer_key = asked.person_key
where cast(customers.created_at as date) > as_of.as_of_date - 84
group by customers.country
order by without_decision desc, customers.country asc
