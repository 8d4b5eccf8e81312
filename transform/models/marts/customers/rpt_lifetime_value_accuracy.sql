with

outcomes as (

    select * from {{ ref('int_value__outcomes') }}
    where model_id is not null

),

ranked as (

    select
        *,
        row_number() over (
            partition by kind, prediction_date, horizon_days
            order by expected_revenue_usd desc, customer_key asc
        ) as value_rank,
        count(*) over (partition by kind, prediction_date, horizon_days) as group_size
    from outcomes

),

summed as (

    select
        kind,
        prediction_date,
        horizon_days,
        model_id,
        count(*) as customers,
        sum(expected_purchases) as expected_purchases,
        cast(sum(purchases) as bigint) as purchases,
        sum(expected_revenue_usd) as expected_revenue_usd,
        sum(revenue_usd) as revenue_usd,
        avg(abs(expected_purchases - purchases)) as purchases_mae,
        avg(abs(benchmark_purchases - purchases)) as benchmark_purchases_mae,
        avg(abs(expected_revenue_usd - revenue_usd)) as revenue_mae_usd,
        avg(abs(benchmark_revenue_usd - revenue_usd)) as benchmark_revenue_mae_usd,
        sqrt(avg(power(expected_revenue_usd - revenue_usd, 2))) as revenue_rmse_usd,
        sqrt(avg(power(benchmark_revenue_usd - revenue_usd, 2))) as benchmark_revenue_rmse_usd,
        sum(case when 5 * value_rank <= group_size then revenue_usd else 0 end)
            as top_revenue_usd,
        sum(case when revenue_usd between revenue_low_usd and revenue_high_usd then 1 else 0 end)
            as covered,
        avg(expected_purchases * purchases) - avg(expected_purchases) * avg(purchases)
            as covariance,
        avg(power(expected_purchases, 2)) - power(avg(expected_purchases), 2) as variance
    from ranked
    group by kind, prediction_date, horizon_days, model_id

),

accuracy as (

    select
        kind,
        prediction_date,
        horizon_days,
        model_id,
        customers,
        expected_purchases,
        purchases,
        {{ safe_ratio('expected_purchases - purchases', 'purchases') }} as purchases_bias,
        purchases_mae,
        benchmark_purchases_mae,
        case when variance > 1e-12 then covariance / variance end as calibration_slope,
        expected_revenue_usd,
        revenue_usd,
        {{ safe_ratio('expected_revenue_usd - revenue_usd', 'revenue_usd') }} as revenue_bias,
        revenue_mae_usd,
        benchmark_revenue_mae_usd,
        revenue_rmse_usd,
        benchmark_revenue_rmse_usd,
        {{ safe_ratio('top_revenue_usd', 'revenue_usd') }} as top_fifth_share,
        {{ safe_ratio('covered', 'customers') }} as interval_coverage,
        revenue_mae_usd < benchmark_revenue_mae_usd
        and revenue_rmse_usd < benchmark_revenue_rmse_usd as has_beaten_benchmark
    from summed

)

select * from accuracy
