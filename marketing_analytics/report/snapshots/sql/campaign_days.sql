-- what a campaign cost and what its platform claims, by day
select
    platform,
    campaign_id,
    campaign_name,
    channel,
    performance_date as day_date,
    impressions,
    clicks,
    spend_usd,
    claimed_conversions,
    claimed_value_usd
from fct_campaign_performance
where impressions <> 0 or clicks <> 0 or spend_usd <> 0 or claimed_conversions <> 0
