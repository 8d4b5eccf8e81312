-- customers whose first order this is
select coalesce(sum(orders), 0)
from order_days
where
    day_date between $from_date and $to_date
    and conversion_type = 'first_order'
    and $customers in ('all', 'first_order')
