-- revenue of customers that is above zero an order against purchases; guests have no value
with ordered as (

    select
        customer_key,
        order_date,
        sum(revenue_usd) as revenue_usd
    from int_orders__revenue
    where customer_key is not null and revenue_usd > 0 and not is_refunded
    group by customer_key, order_date

),

bought as (

    select
        count(*) as purchases,
        sum(revenue_usd) as revenue_usd,
        count(distinct customer_key) as customers,
        max(purchase_date) as last_date
    from int_value__purchases

)

select
    count(*) as order_days,
    max(bought.purchases) as purchases,
    sum(ordered.revenue_usd) as orders_usd,
    max(bought.revenue_usd) as purchases_usd,
    count(distinct ordered.customer_key) as customers,
    max(bought.customers) as customers_with_purchase,
    max(bought.last_date) as last_date
from ordered
cross join bought
