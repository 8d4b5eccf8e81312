-- credit and credited revenue by day, channel, model and window; in the order in which it is read:
-- a model, window and kind of day at a time
select *
from rpt_attribution_days
order by model, window_days, day_kind, day_date
