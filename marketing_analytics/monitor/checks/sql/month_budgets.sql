select
    platform,
    campaign_id,
    max(budget_usd) as budget_usd,
    max(spend_usd) as spend_usd
from {marts}.rpt_budget_pacing
where is_current_month and campaign_id <> '(all)' and budget_usd > 0
group by platform, campaign_id
