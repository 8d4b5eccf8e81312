select
    cast({day} as date) as day,
    count(*) as row_count
from {marts}.{table}
where {day} >= ? and {day} < ?
group by cast({day} as date)
