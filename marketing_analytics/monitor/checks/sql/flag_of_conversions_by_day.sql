select
    conversion_date as day,
    sum(case when {column} then 1 else 0 end) as part,
    count(*) as whole
from {marts}.fct_conversions
where conversion_date >= ? and conversion_date < ?
group by conversion_date
