select
    platform,
    campaign_id,
    pause_name,
    first_date,
    last_date
from {marts}.stg_shop__planned_pauses
where country = '' and first_date <= ? and last_date >= ?
