-- net revenue that the model credits to paid channels, for touches on days whose spend is loaded
select coalesce(sum(days.revenue_usd), 0)
from rpt_attribution_days as days
inner join dim_channels as channels using (channel)
where
    channels.is_paid
    and days.has_spend
    and days.model = $model
    and days.window_days = $window_days
    and days.day_kind = $day_kind
    and days.day_date between $from_date and $to_date
    and ($customers = 'all' or days.conversion_type = $customers)
