-- what people decided, by where and for what; who only takes back is counted nowhere
select
    decision_source || '/' || purpose as subject,
    cast(changed_at as date) as day,
    sum(case when is_granted then 1 else 0 end) as part,
    count(*) as whole
from {marts}.{table}
where changed_at >= ? and changed_at < ?
group by decision_source, purpose, cast(changed_at as date)
