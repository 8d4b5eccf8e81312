-- how fast credit fades between the first and the last of two touches, by day of distance: one
-- number where a model goes by time
with

pairs as (

    select
        conversion_date,
        model,
        conversion_id,
        max(case when touch_position = 1 then credit end) as first_credit,
        max(case when touch_position = 2 then credit end) as last_credit,
        max(case when touch_position = 1 then seconds_to_conversion end) as first_seconds,
        max(case when touch_position = 2 then seconds_to_conversion end) as last_seconds
    from {marts}.fct_attribution
    where is_own_window and touch_count = 2 and conversion_date > ? and conversion_date <= ?
    group by conversion_date, model, conversion_id

)

select
    conversion_date as day,
    model,
    avg(
        86400 * ln(cast(last_credit as double precision) / cast(first_credit as double precision))
        / (first_seconds - last_seconds)
    ) as decay
from pairs
where first_credit > 0.001 and last_credit > 0.001 and first_seconds - last_seconds > 3600
group by conversion_date, model
