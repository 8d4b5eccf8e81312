-- touches that are credited to another channel than the one they came by
select
    credits.channel,
    touches.channel as touch_channel,
    min(credits.conversion_date) as first_day,
    count(*) as credits
from {marts}.fct_attribution as credits
inner join {marts}.fct_touchpoints as touches on credits.touchpoint_id = touches.touchpoint_id
where
    credits.is_own_window
    and credits.conversion_date > ?
    and credits.conversion_date <= ?
    and credits.channel <> touches.channel
group by credits.channel, touches.channel
order by credits.channel, touches.channel
