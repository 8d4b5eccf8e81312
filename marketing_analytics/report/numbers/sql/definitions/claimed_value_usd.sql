-- what the platforms say that they brought
select nullif(sum(claimed_value_usd), 0)
from campaign_days
where day_date between $from_date and $to_date
