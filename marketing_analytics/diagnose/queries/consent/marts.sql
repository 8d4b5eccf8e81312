-- who refused and still stands in a mart
select
    'fct_touchpoints' as mart,
    count(distinct customers.customer_key) as customers
from fct_touchpoints as mart
inner join int_consent__customers as customers on mart.person_key = customers.customer_key
where customers.is_opted_out
union all
select
    'fct_conversions' as mart,
    count(distinct customers.customer_key) as customers
from fct_conversions as mart
inner join int_consent__customers as customers on mart.person_key = customers.customer_key
where customers.is_opted_out
union all
select
    'int_web__sessions' as mart,
    count(distinct customers.customer_key) as customers
from int_web__sessions as mart
inner join int_consent__customers as customers on mart.customer_key = customers.customer_key
where customers.is_opted_out
union all
select
    'fct_customer_value' as mart,
    count(distinct customers.customer_key) as customers
from fct_customer_value as mart
inner join int_consent__customers as customers on mart.customer_key = customers.customer_key
where customers.is_opted_out
union all
select
    'fct_customer_rfm' as mart,
    count(distinct customers.customer_key) as customers
from fct_customer_rfm as mart
inner join int_consent__customers as customers on mart.customer_key = customers.customer_key
where customers.has_denied_profiling
union all
select
    'fct_customer_lifetime_value' as mart,
    count(distinct customers.customer_key) as customers
from fct_customer_lifetime_value as mart
inner join int_consent__customers as customers on mart.customer_key = customers.customer_key
where customers.has_denied_profiling
union all
select
    'int_value__predictions' as mart,
    count(distinct customers.customer_key) as customers
from int_value__predictions as mart
inner join int_consent__customers as customers on mart.customer_key = customers.customer_key
where customers.has_denied_profiling
union all
select
    'fct_customer_segments' as mart,
    count(distinct customers.customer_key) as customers
from fct_customer_segments as mart
inner join int_consent__customers as customers on mart.customer_key = customers.customer_key
where customers.has_denied_profiling
union all
select
    'fct_lookalike_candidates' as mart,
    count(distinct customers.customer_key) as customers
from fct_lookalike_candidates as mart
inner join int_consent__customers as customers on mart.customer_key = customers.customer_key
where customers.has_denied_profiling
