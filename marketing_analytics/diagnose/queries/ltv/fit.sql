-- the latest fits, of today and of the day that predictions are held out from
select
    model_id,
    as_of_date,
    status,
    reason,
    is_in_force,
    customers,
    repeat_customers,
    r,
    alpha_weeks,
    a,
    b,
    fitted_at
from rpt_lifetime_value_fits
order by as_of_date desc, fitted_at desc
limit 5
