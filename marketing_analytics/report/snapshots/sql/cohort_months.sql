-- months of the first purchase, of ten customers and more; a month in which fewer came back has no
-- figure, and nothing is told by month but sums so far, so that no subtraction finds one
select
    cohort_month,
    month_number,
    is_complete,
    cast(sum(customers) as bigint) as customers,
    cast(case when sum(active_customers) >= 10 then sum(active_customers) end as bigint)
        as active_customers,
    cast(
        case
            when sum(active_customers) >= 10 and sum(repeat_customers) >= 10
                then sum(repeat_customers)
        end as bigint
    ) as repeat_customers,
    cast(
        case when sum(active_customers) >= 10 then sum(cumulative_revenue_usd) end as decimal(18, 2)
    ) as cumulative_revenue_usd,
    cast(
        case when sum(active_customers) >= 10 then sum(cumulative_margin_usd) end as decimal(18, 2)
    ) as cumulative_margin_usd
from fct_cohort_months
group by cohort_month, month_number, is_complete
having sum(customers) >= 10
