select
    platform,
    campaign_id,
    report_date as day,
    sum(spend_usd) as spend_usd
from {marts}.fct_ad_spend
where report_date > ? and report_date <= ?
group by platform, campaign_id, report_date
