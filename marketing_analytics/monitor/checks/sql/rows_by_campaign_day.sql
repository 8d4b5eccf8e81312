select
    campaign_id,
    report_date as day,
    count(*) as row_count
from {marts}.{table}
where report_date >= ? and report_date < ?
group by campaign_id, report_date
