select
    conversion_date as day,
    currency,
    count(*) as orders,
    sum(order_total) as total
from {marts}.fct_conversions
where conversion_date <= ?
group by conversion_date, currency
