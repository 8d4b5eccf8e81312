-- customers whose orders hold no first one, or more than one
with customers as (

    select
        customer_key,
        count(case when is_first_order then 1 end) as first_orders
    from int_orders__revenue
    where customer_key is not null
    group by customer_key

)

select
    count(*) as customers,
    count(case when first_orders = 0 then 1 end) as without_first,
    count(case when first_orders > 1 then 1 end) as with_several
from customers
