select
    kind,
    prediction_date,
    horizon_days,
    customers,
    purchases_bias,
    revenue_usd,
    revenue_bias,
    revenue_mae_usd,
    benchmark_revenue_mae_usd,
    revenue_rmse_usd,
    interval_coverage
from {marts}.rpt_lifetime_value_accuracy
order by kind, horizon_days, prediction_date
