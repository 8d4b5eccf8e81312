select
    campaigns.channel,
    spend.report_date as day,
    sum(spend.spend_usd) as spend_usd
from {marts}.fct_ad_spend as spend
inner join {marts}.dim_campaigns as campaigns
    on spend.platform = campaigns.platform and spend.campaign_id = campaigns.campaign_id
where spend.report_date > ? and spend.report_date <= ?
group by campaigns.channel, spend.report_date
