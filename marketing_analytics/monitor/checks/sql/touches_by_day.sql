select
    touch_date as day,
    channel,
    count(*) as touches
from {marts}.fct_touchpoints
where touch_date > ? and touch_date <= ?
group by touch_date, channel
