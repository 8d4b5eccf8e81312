-- months of the first purchase, of ten customers and more; a month in which fewer came back has no figure
select
    cohort_month,
    month_number,
    is_complete,
    sum(customers) as customers,
    case when sum(active_customers) >= 10 then sum(active_customers) end as active_customers,
    cast(sum(revenue_usd) as decimal(18, 2)) as revenue_usd,
    cast(sum(cumulative_revenue_usd) as decimal(18, 2)) as cumulative_revenue_usd,
    cast(sum(cumulative_margin_usd) as decimal(18, 2)) as cumulative_margin_usd
from fct_cohort_months
group by cohort_month, month_number, is_complete
having sum(customers) >= 10
