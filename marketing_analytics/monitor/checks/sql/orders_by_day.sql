select
    order_date as day,
    currency,
    count(*) as orders,
    sum(order_total) as total
from {marts}.{table}
where order_date <= ?
group by order_date, currency
