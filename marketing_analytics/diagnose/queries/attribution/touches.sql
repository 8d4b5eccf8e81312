-- tracked orders of the last twelve weeks that have no touch, in the widest window
with widest as (

    select max(window_days) as window_days from int_attribution__credits

)

select
    count(distinct conversions.conversion_id) as orders,
    count(distinct case when credits.touch_position = 0 then conversions.conversion_id end)
        as without_touch,
    min(case when credits.touch_position = 0 then conversions.conversion_id end) as example_order
from fct_conversions as conversions
cross join int_calendar__as_of as as_of
cross join widest
inner join int_attribution__credits as credits
    on conversions.conversion_id = credits.conversion_id
    and widest.window_days = credits.window_days
where
    conversions.conversion_date > as_of.as_of_date - 84
    and conversions.is_tracked
    and not conversions.is_opted_out
    and not conversions.is_refunded
