select
    platform,
    campaign_id,
    campaign_name,
    budget_usd,
    spend_usd,
    pacing,
    counted_until_date
from {marts}.rpt_budget_pacing
where is_current_month and budget_usd is not null and counted_until_date is not null
order by platform, campaign_id
