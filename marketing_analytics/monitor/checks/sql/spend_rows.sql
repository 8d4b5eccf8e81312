select
    campaign_id,
    report_date as day,
    count(*) as row_count
from {marts}.fct_ad_spend
where platform = ? and report_date >= ? and report_date < ?
group by campaign_id, report_date
