select
    platform,
    campaign_id,
    touch_date as day,
    count(*) as visits
from {marts}.fct_touchpoints
where platform is not null and campaign_id is not null and touch_date > ? and touch_date <= ?
group by platform, campaign_id, touch_date
