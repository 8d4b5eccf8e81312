-- orders of who may be measured, and those whose purchase the web analytics saw: four weeks, before
with spans as (

    select
        conversions.is_tracked,
        case when conversions.conversion_date > as_of.as_of_date - 28 then 'last' else 'before' end
            as span
    from fct_conversions as conversions
    cross join int_calendar__as_of as as_of
    where conversions.conversion_date > as_of.as_of_date - 112 and not conversions.is_opted_out

)

select
    count(case when span = 'last' then 1 end) as orders,
    count(case when span = 'last' and is_tracked then 1 end) as tracked,
    count(case when span = 'before' then 1 end) as orders_before,
    count(case when span = 'before' and is_tracked then 1 end) as tracked_before
from spans
