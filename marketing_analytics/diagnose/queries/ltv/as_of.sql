-- the day of the values that are shown against today
select
    max(value.prediction_date) as prediction_date,
    max(as_of.as_of_date) as as_of_date,
    max(as_of.as_of_date) - max(value.prediction_date) as days_behind
from int_calendar__as_of as as_of
left join fct_customer_lifetime_value as value on true
