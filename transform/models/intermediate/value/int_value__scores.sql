with

histories as (

    select * from {{ ref('int_value__histories') }}

),

expectations as (

    select * from {{ ref('int_value__expectations') }}

),

parameters as (

    select * from {{ ref('int_value__parameters') }}

),

as_doubles as (

    select
        cut_off,
        frequency,
        recency_days,
        age_days,
        {% for days in horizons_days() %}
            {{ as_double('expected_purchases_' ~ days ~ 'd') }} as purchases_{{ days }}d,
            {{ as_double('expected_square_' ~ days ~ 'd') }} as square_{{ days }}d,
        {% endfor %}
        {{ as_double('probability_alive') }} as probability_alive
    from expectations

),

cohorts as (

    -- what customers of a cohort have bought again up to today
    select
        cut_off,
        cohort_month,
        sum(frequency) as purchases,
        sum(repeat_usd) as revenue_usd,
        sum(age_days) as customer_days
    from histories
    group by cut_off, cohort_month

),

beside_everyone as (

    select
        *,
        sum(purchases) over (partition by cut_off) as all_purchases,
        sum(revenue_usd) over (partition by cut_off) as all_revenue_usd,
        sum(customer_days) over (partition by cut_off) as all_customer_days
    from cohorts

),

benchmarks as (

    select
        cut_off,
        cohort_month,
        -- a cohort of today has no past
        coalesce(
            {{ safe_ratio('purchases', 'customer_days') }},
            {{ safe_ratio('all_purchases', 'all_customer_days') }},
            0
        ) as purchases_a_day,
        coalesce(
            {{ safe_ratio('revenue_usd', 'customer_days') }},
            {{ safe_ratio('all_revenue_usd', 'all_customer_days') }},
            0
        ) as revenue_a_day_usd
    from beside_everyone

),

gamma_gamma as (

    -- a purchase's value is gamma with a rate that is gamma too, after what the customer has spent
    select
        histories.*,
        parameters.model_id,
        parameters.p,
        parameters.p * histories.frequency + parameters.q as shape,
        parameters.gamma_usd + {{ as_double('histories.repeat_usd') }} as rate_usd
    from histories
    left join parameters on histories.cut_off = parameters.cut_off

),

spending as (

    select
        *,
        p * rate_usd / (shape - 1) as spend_usd,
        -- the mean of the square of one over the rate
        rate_usd * rate_usd / ((shape - 1) * (shape - 2)) as square_usd
    from gamma_gamma

),

expected as (

    select
        spending.*,
        benchmarks.purchases_a_day,
        benchmarks.revenue_a_day_usd,
        {% for days in horizons_days() %}
            as_doubles.purchases_{{ days }}d,
            as_doubles.square_{{ days }}d,
            as_doubles.purchases_{{ days }}d * spending.spend_usd as revenue_{{ days }}d_usd,
        {% endfor %}
        as_doubles.probability_alive
    from spending
    inner join benchmarks
        on spending.cut_off = benchmarks.cut_off
        and spending.cohort_month = benchmarks.cohort_month
    left join as_doubles
        on spending.cut_off = as_doubles.cut_off
        and spending.frequency = as_doubles.frequency
        and spending.recency_days = as_doubles.recency_days
        and spending.age_days = as_doubles.age_days

),

scores as (

    select
        cut_off,
        as_of_date as prediction_date,
        customer_key,
        model_id,
        cohort_month,
        acquisition_channel,
        frequency,
        purchases_a_day as benchmark_purchases_a_day,
        revenue_a_day_usd as benchmark_revenue_a_day_usd,
        probability_alive,
        {% for days in horizons_days() %}
            purchases_{{ days }}d as expected_purchases_{{ days }}d,
            revenue_{{ days }}d_usd as expected_revenue_{{ days }}d_usd,
            square_usd * p * (purchases_{{ days }}d + p * square_{{ days }}d)
            - revenue_{{ days }}d_usd * revenue_{{ days }}d_usd as revenue_variance_{{ days }}d,
        {% endfor %}
        spend_usd as expected_spend_usd
    from expected

)

select * from scores
