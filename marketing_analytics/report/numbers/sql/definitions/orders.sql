-- orders, also those that were given back
select coalesce(sum(orders), 0)
from order_days
where
    day_date between $from_date and $to_date
    and ($customers = 'all' or conversion_type = $customers)
