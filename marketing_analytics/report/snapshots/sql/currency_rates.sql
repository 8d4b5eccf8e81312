-- what a unit of a currency is worth on the as-of date, or was when last known
select
    rates.currency,
    rates.rate_date,
    rates.usd_per_unit
from int_calendar__exchange_rates as rates
cross join int_calendar__as_of as as_of
where rates.rate_date = (
    select max(other.rate_date)
    from int_calendar__exchange_rates as other
    where other.currency = rates.currency and other.rate_date <= as_of.as_of_date
)
