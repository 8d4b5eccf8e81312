-- events of the web analytics: how far behind, and days of the last four weeks without any
with days as (

    select
        session_date as day,
        count(*) as sessions
    from int_web__sessions
    group by session_date

),

orders as (

    select count(distinct conversion_date) as order_days
    from fct_conversions as conversions
    cross join int_calendar__as_of as as_of
    where
        conversions.conversion_date > as_of.as_of_date - 28
        and conversions.conversion_date not in (select day from days)

)

select
    max(days.day) as last_day,
    as_of.as_of_date,
    as_of.as_of_date - max(days.day) as days_behind,
    max(orders.order_days) as order_days_without_visits
from days
cross join orders
cross join int_calendar__as_of as as_of
group by as_of.as_of_date
