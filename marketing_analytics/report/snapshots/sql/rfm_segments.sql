-- customers by segment as of today, rounded to tens: those who moved between two segments could be
-- told by subtraction otherwise
select
    cell as segment,
    is_merged,
    cast(round(customers / 10.0) as bigint) * 10 as customers,
    cast(revenue_usd / customers as decimal(18, 2)) as revenue_a_customer_usd
from rpt_customer_cells
where breakdown = 'segment'
