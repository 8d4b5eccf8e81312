-- purchases that the web analytics saw in the last four weeks, and those of no order
select
    count(*) as purchases,
    count(case when conversions.conversion_id is null then 1 end) as without_order,
    min(case when conversions.conversion_id is null then purchases.order_id end) as example_order
from int_web__purchases as purchases
cross join int_calendar__as_of as as_of
left join fct_conversions as conversions on purchases.order_id = conversions.conversion_id
where
    cast(purchases.purchased_at as date) > as_of.as_of_date - 28
    and cast(purchases.purchased_at as date) <= as_of.as_of_date
