with

scores as (

    select * from {{ ref('int_value__scores') }}
    where cut_off = 'hold_out'

),

predictions as (

    -- what came is known in the currency of today alone
    select * from {{ ref('int_value__predictions') }}
    where reporting_currency = '{{ var("reporting_currency") }}'

),

purchases as (

    select * from {{ ref('int_value__purchases') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

predicted as (

    {{ by_horizon('scores', 'hold_out') }}

    union all

    {{ by_horizon('predictions', 'kept') }}

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
