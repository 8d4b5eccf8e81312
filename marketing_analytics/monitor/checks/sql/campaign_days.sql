select
    platform,
    account_id,
    campaign_id,
    report_date as day
from {marts}.fct_ad_spend
where report_date > ? and report_date <= ?
group by platform, account_id, campaign_id, report_date
order by platform, account_id, campaign_id, report_date
