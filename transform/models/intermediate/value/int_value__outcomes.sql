with

scores as (

    select * from {{ ref('int_value__scores') }}
    where role = 'hold_out'

),

predictions as (

    select * from {{ ref('int_value__predictions') }}

),

purchases as (

    select * from {{ ref('int_value__purchases') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

predicted as (
    {%- for table in ['scores', 'predictions'] %}
    {%- for days in horizons_days() %}

    select
        '{{ "hold_out" if table == "scores" else "kept" }}' as kind,
        prediction_date,
        {{ days }} as horizon_days,
        {{ days_after('prediction_date', days) }} as horizon_date,
        customer_key,
        model_id,
        cohort_month,
        acquisition_channel,
        expected_purchases_{{ days }}d as expected_purchases,
        expected_revenue_{{ days }}d_usd as expected_revenue_usd,
        revenue_variance_{{ days }}d as revenue_variance,
        {{ days }} * benchmark_purchases_a_day as benchmark_purchases,
        {{ days }} * benchmark_revenue_a_day_usd as benchmark_revenue_usd
    from {{ table }}
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

passed as (

    select predicted.*
    from predicted
    inner join as_of on predicted.horizon_date <= as_of.as_of_date

),

actual as (

    select
        passed.kind,
        passed.prediction_date,
        passed.horizon_days,
        passed.customer_key,
        count(*) as purchases,
        sum(purchases.revenue_usd) as revenue_usd
    from passed
    inner join purchases
        on passed.customer_key = purchases.customer_key
        and passed.prediction_date < purchases.purchase_date
        and passed.horizon_date >= purchases.purchase_date
    group by passed.kind, passed.prediction_date, passed.horizon_days, passed.customer_key

),

outcomes as (

    select
        passed.kind,
        passed.prediction_date,
        passed.horizon_days,
        passed.customer_key,
        passed.model_id,
        passed.cohort_month,
        passed.acquisition_channel,
        passed.expected_purchases,
        passed.expected_revenue_usd,
        {{ interval_end('passed.expected_revenue_usd', 'passed.revenue_variance', -1) }}
            as revenue_low_usd,
        {{ interval_end('passed.expected_revenue_usd', 'passed.revenue_variance', 1) }}
            as revenue_high_usd,
        passed.benchmark_purchases,
        passed.benchmark_revenue_usd,
        coalesce(actual.purchases, 0) as purchases,
        {{ as_double('coalesce(actual.revenue_usd, 0)') }} as revenue_usd
    from passed
    left join actual
        on passed.kind = actual.kind
        and passed.prediction_date = actual.prediction_date
        and passed.horizon_days = actual.horizon_days
        and passed.customer_key = actual.customer_key

)

select * from outcomes
