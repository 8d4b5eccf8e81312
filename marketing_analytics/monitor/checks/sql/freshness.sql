-- how far each source was read: of accounts the report that lies furthest behind, of campaigns too
select
    source,
    account_id,
    campaign_id,
    min(last_day) as last_day,
    max(last_row_day) as last_row_day,
    max(read_at) as read_at
from {marts}.stg_ingest__freshness
where report = '' or account_id <> '' or campaign_id <> ''
group by source, account_id, campaign_id
order by source, account_id, campaign_id
