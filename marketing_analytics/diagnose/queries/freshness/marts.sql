select
    'int_calendar__as_of' as mart,
    max(as_of_date) as as_of_date
from int_calendar__as_of
union all
select
    'rpt_executive_kpis' as mart,
    max(as_of_date) as as_of_date
from rpt_executive_kpis
union all
select
    'rpt_budget_pacing' as mart,
    max(as_of_date) as as_of_date
from rpt_budget_pacing
union all
select
    'fct_customer_lifetime_value' as mart,
    max(prediction_date) as as_of_date
from fct_customer_lifetime_value
union all
select
    'fct_conversions' as mart,
    max(conversion_date) as as_of_date
from fct_conversions
