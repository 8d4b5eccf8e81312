select distinct
    model,
    window_days
from {marts}.fct_attribution
where is_own_window and conversion_date > ? and conversion_date <= ?
order by model, window_days
