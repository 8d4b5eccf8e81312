select
    platform,
    account_id,
    campaign_id,
    campaign_name,
    campaign_status
from {marts}.dim_campaigns
