select
    source,
    status,
    started_at,
    error_messages
from {marts}.stg_ingest__loads
order by started_at
