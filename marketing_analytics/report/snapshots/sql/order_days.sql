-- orders and net revenue by day, of new customers and of known ones
select
    conversion_date as day_date,
    conversion_type,
    count(*) as orders,
    cast(sum(revenue_usd) as decimal(18, 2)) as revenue_usd
from fct_conversions
group by conversion_date, conversion_type
