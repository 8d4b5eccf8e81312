-- revenue of all channels by model and window, beside that of the conversions
with

conversions as (

    select coalesce(sum(revenue_usd), 0) as revenue_usd from {marts}.fct_conversions

),

channels as (

    select
        model,
        window_days,
        sum(revenue_usd) as revenue_usd
    from {marts}.rpt_channel_attribution
    group by model, window_days

)

select
    channels.model,
    channels.window_days,
    channels.revenue_usd as reported_usd,
    conversions.revenue_usd
from channels
cross join conversions
order by channels.model, channels.window_days
