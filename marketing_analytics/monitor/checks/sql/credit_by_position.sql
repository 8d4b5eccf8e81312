-- what the first and the last of two, three and four touches get: the same on every day in models
-- that go by position
select
    conversion_date as day,
    model,
    touch_count,
    case when touch_position = 1 then 'first' else 'last' end as place,
    min(credit) as least,
    max(credit) as most
from {marts}.fct_attribution
where
    is_own_window
    and conversion_date > ?
    and conversion_date <= ?
    and touch_count between 2 and 4
    and touch_position in (1, touch_count)
group by
    conversion_date, model, touch_count, case when touch_position = 1 then 'first' else 'last' end
