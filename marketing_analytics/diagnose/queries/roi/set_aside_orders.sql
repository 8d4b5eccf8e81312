-- orders that count nowhere, as they are dated after today
select
    currency,
    count(*) as orders,
    sum(order_total) as order_total,
    min(order_date) as first_date,
    max(order_date) as last_date,
    max(as_of_date) as as_of_date
from rpt_set_aside_orders
group by currency
order by orders desc, currency asc
