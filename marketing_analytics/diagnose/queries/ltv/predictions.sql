-- predictions that were kept, by day, and days since the ones before
with days as (

    select
        prediction_date,
        count(*) as customers,
        count(case when model_id is null then 1 end) as without_model
    from int_value__predictions
    group by prediction_date

)

select
    days.prediction_date,
    days.customers,
    days.without_model,
    days.prediction_date - lag(days.prediction_date) over (order by days.prediction_date)
        as days_since,
    as_of.as_of_date - max(days.prediction_date) over () as days_behind
from days
cross join int_calendar__as_of as as_of
order by days.prediction_date desc
