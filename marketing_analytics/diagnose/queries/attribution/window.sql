-- first orders whose path of the widest window begins before the own one, or lies before it wholly
with touched as (

    select
        credits.conversion_id,
        max(credits.window_days) as widest_days,
        max(credits.seconds_to_conversion) / 86400.0 as days_to_first,
        min(credits.seconds_to_conversion) / 86400.0 as days_to_last
    from int_attribution__credits as credits
    inner join fct_conversions as conversions
        on credits.conversion_id = conversions.conversion_id
    where conversions.conversion_type = 'first_order' and credits.touch_position > 0
    group by credits.conversion_id

),

own as (

    select max(window_days) as own_days from fct_attribution
    where is_own_window and conversion_type = 'first_order'

)

select
    own.own_days,
    max(touched.widest_days) as widest_days,
    count(*) as orders,
    count(case when touched.days_to_first > own.own_days then 1 end) as cut,
    count(case when touched.days_to_last > own.own_days then 1 end) as lost,
    percentile_cont(0.5) within group (order by touched.days_to_first) as median_days,
    percentile_cont(0.9) within group (order by touched.days_to_first) as ninetieth_days
from touched
cross join own
group by own.own_days
