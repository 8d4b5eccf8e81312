-- credit and credited revenue by day and campaign in the default window; in the order in which it
-- is read: a model and kind of day at a time
select *
from rpt_campaign_attribution_days
order by model, day_kind, channel, day_date
