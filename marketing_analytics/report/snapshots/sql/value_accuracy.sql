-- one judgement for each horizon: the last prediction that was kept, else the hold-out. Customers
-- and revenue are rounded to tens, so that no subtraction from other tables finds few
select
    kind,
    prediction_date,
    horizon_days,
    cast(round(customers / 10.0) as bigint) * 10 as customers,
    cast(expected_purchases as decimal(18, 1)) as expected_purchases,
    purchases,
    cast(purchases_bias as decimal(18, 4)) as purchases_bias,
    cast(calibration_slope as decimal(18, 4)) as calibration_slope,
    cast(round(expected_revenue_usd / 10) as bigint) * 10 as expected_revenue_usd,
    cast(round(revenue_usd / 10) as bigint) * 10 as revenue_usd,
    cast(revenue_bias as decimal(18, 4)) as revenue_bias,
    cast(revenue_mae_usd as decimal(18, 2)) as revenue_mae_usd,
    cast(benchmark_revenue_mae_usd as decimal(18, 2)) as benchmark_revenue_mae_usd,
    cast(top_fifth_share as decimal(18, 4)) as top_fifth_share,
    cast(interval_coverage as decimal(18, 4)) as interval_coverage,
    has_beaten_benchmark
from (
    select
        *,
        row_number() over (
            partition by horizon_days
            order by case when kind = 'kept' then 0 else 1 end asc, prediction_date desc
        ) as place
    from rpt_lifetime_value_accuracy
    where customers >= 10
) as judgements
where place = 1
