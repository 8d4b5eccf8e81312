-- what is refunded wholly has no credit to give
select
    conversion_date as day,
    count(*) as conversions
from {marts}.fct_conversions
where conversion_date > ? and conversion_date <= ? and not is_refunded
group by conversion_date
