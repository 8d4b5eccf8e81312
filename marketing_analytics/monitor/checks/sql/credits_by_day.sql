-- credit and touches by day of the conversion, model and channel, each model in its own window
select
    conversion_date as day,
    model,
    channel,
    sum(credit) as credit,
    count(*) as touches
from {marts}.fct_attribution
where is_own_window and conversion_date > ? and conversion_date <= ?
group by conversion_date, model, channel
