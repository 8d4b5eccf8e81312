-- expected value of the next 365 days of customers whose first purchase was in these months
select nullif(sum(value_365d_usd), 0)
from rpt_lifetime_value
where cohort_month between date_trunc('month', cast($from_date as date)) and $to_date
