with

outcomes as (

    select * from {{ ref('int_value__outcomes') }}
    where model_id is not null

),

ranked as (

    -- equal predictions stand in one tenth
    select
        *,
        cast(
            ceil(
                10 * cume_dist() over (
                    partition by kind, prediction_date, horizon_days
                    order by expected_revenue_usd
                )
            ) as integer
        ) as tenth
    from outcomes

),

grouped as (

    select
        'tenth' as group_kind,
        {{ as_text('tenth') }} as group_name,
        ranked.*
    from ranked

    union all

    select
        'cohort' as group_kind,
        {{ as_text('cohort_month') }} as group_name,
        ranked.*
    from ranked

    union all

    select
        'channel' as group_kind,
        acquisition_channel as group_name,
        ranked.*
    from ranked

),

sized as (

    select
        kind,
        prediction_date,
        horizon_days,
        model_id,
        group_kind,
        group_name,
        count(*) as customers,
        sum(expected_purchases) as expected_purchases,
        sum(purchases) as purchases,
        sum(expected_revenue_usd) as expected_revenue_usd,
        sum(revenue_usd) as revenue_usd
    from grouped
    group by kind, prediction_date, horizon_days, model_id, group_kind, group_name

),

judged as (

    select
        *,
        {{ is_merged_cell(
            'customers', 'kind, prediction_date, horizon_days, model_id, group_kind', 'group_name'
        ) }} as is_merged
    from sized

),

calibration as (

    select
        kind,
        prediction_date,
        horizon_days,
        model_id,
        group_kind,
        {{ cell_name('group_name') }} as group_name,
        is_merged,
        cast(sum(customers) as bigint) as customers,
        sum(expected_purchases) as expected_purchases,
        cast(sum(purchases) as bigint) as purchases,
        {{ safe_ratio('sum(purchases)', 'sum(expected_purchases)') }} as purchases_ratio,
        sum(expected_revenue_usd) as expected_revenue_usd,
        sum(revenue_usd) as revenue_usd,
        {{ safe_ratio('sum(revenue_usd)', 'sum(expected_revenue_usd)') }} as revenue_ratio
    from judged
    group by
        kind,
        prediction_date,
        horizon_days,
        model_id,
        group_kind,
        {{ cell_name('group_name') }},
        is_merged
    having sum(customers) >= {{ var('minimum_cell_customers') }}

)

select * from calibration
