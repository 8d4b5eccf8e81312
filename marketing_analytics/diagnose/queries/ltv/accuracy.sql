-- the longest horizon that has passed of the latest predictions, against what came
select
    kind,
    prediction_date,
    horizon_days,
    customers,
    revenue_bias,
    interval_coverage,
    revenue_mae_usd,
    benchmark_revenue_mae_usd,
    has_beaten_benchmark
from rpt_lifetime_value_accuracy
order by prediction_date desc, horizon_days desc, kind asc
limit 5
