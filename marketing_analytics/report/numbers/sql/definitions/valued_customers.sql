-- those customers, where their cell is large enough to be published
select nullif(sum(customers), 0)
from rpt_lifetime_value
where
    cohort_month between date_trunc('month', cast($from_date as date)) and $to_date
    and value_365d_usd is not null
