-- what an ad cost and what its platform claims, by day
select
    platform,
    campaign_id,
    ad_group_id,
    ad_group_name,
    ad_id,
    ad_name,
    report_date as day_date,
    impressions,
    clicks,
    spend_usd,
    claimed_conversions,
    claimed_value_usd
from fct_ad_performance
where impressions <> 0 or clicks <> 0 or spend_usd <> 0 or claimed_conversions <> 0
