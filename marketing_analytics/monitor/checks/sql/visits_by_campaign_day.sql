select
    campaign_id,
    touch_date as day,
    count(*) as row_count
from {marts}.fct_touchpoints
where platform = ? and touch_date >= ? and touch_date < ? and campaign_id is not null
group by campaign_id, touch_date
