-- net revenue of the orders
select coalesce(sum(revenue_usd), 0)
from order_days
where
    day_date between $from_date and $to_date
    and ($customers = 'all' or conversion_type = $customers)
