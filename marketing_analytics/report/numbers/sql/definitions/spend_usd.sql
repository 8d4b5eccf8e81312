-- what the platforms charged
select nullif(sum(spend_usd), 0)
from campaign_days
where day_date between $from_date and $to_date
