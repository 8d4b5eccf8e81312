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

side_by_side as (

    select
        role,
        frequency,
        recency_days,
        age_days,
        {{ as_double('max(probability_alive)') }} as probability_alive
        {%- for days in horizons_days() %},
        {{ as_double('max(case when horizon_days = ' ~ days ~ ' then expected_purchases end)') }}
            as purchases_{{ days }}d,
        {{ as_double('max(case when horizon_days = ' ~ days ~ ' then expected_square end)') }}
            as square_{{ days }}d
        {%- endfor %}
    from expectations
    group by role, frequency, recency_days, age_days

),

cohorts as (

    -- what a customer of a cohort has bought again in a day of the past
    select
        role,
        cohort_month,
        {{ safe_ratio('sum(frequency)', 'sum(age_days)') }} as purchases_a_day,
        {{ safe_ratio('sum(repeat_usd)', 'sum(age_days)') }} as revenue_a_day
    from histories
    group by role, cohort_month

),

everybody as (

    select
        role,
        {{ safe_ratio('sum(frequency)', 'sum(age_days)') }} as purchases_a_day,
        {{ safe_ratio('sum(repeat_usd)', 'sum(age_days)') }} as revenue_a_day
    from histories
    group by role

),

spending as (

    -- a purchase's value is gamma with a rate that is gamma too: the mean of one over that rate,
    -- and of its square, after what the customer has spent
    select
        histories.*,
        parameters.model_id,
        parameters.p,
        parameters.p * histories.frequency + parameters.q as shape,
        parameters.gamma_usd + {{ as_double('histories.repeat_usd') }} as rate_usd,
        -- a cohort of today has no past
        coalesce(cohorts.purchases_a_day, everybody.purchases_a_day, 0) as benchmark_purchases_a_day,
        coalesce(cohorts.revenue_a_day, everybody.revenue_a_day, 0) as benchmark_revenue_a_day_usd
    from histories
    inner join everybody on histories.role = everybody.role
    inner join cohorts
        on histories.role = cohorts.role
        and histories.cohort_month = cohorts.cohort_month
    left join parameters on histories.role = parameters.role

),

scores as (

    select
        spending.role,
        spending.as_of_date as prediction_date,
        spending.customer_key,
        spending.model_id,
        spending.cohort_month,
        spending.acquisition_channel,
        spending.frequency,
        spending.benchmark_purchases_a_day,
        spending.benchmark_revenue_a_day_usd,
        side_by_side.probability_alive,
        spending.p * spending.rate_usd / (spending.shape - 1) as expected_spend_usd
        {%- for days in horizons_days() %},
        side_by_side.purchases_{{ days }}d as expected_purchases_{{ days }}d,
        side_by_side.purchases_{{ days }}d * spending.p * spending.rate_usd / (spending.shape - 1)
            as expected_revenue_{{ days }}d_usd,
        spending.p * power(spending.rate_usd, 2) / (spending.shape - 1) * (
            (side_by_side.purchases_{{ days }}d + spending.p * side_by_side.square_{{ days }}d)
            / (spending.shape - 2)
            - spending.p * power(side_by_side.purchases_{{ days }}d, 2) / (spending.shape - 1)
        ) as revenue_variance_{{ days }}d
        {%- endfor %}
    from spending
    left join side_by_side
        on spending.role = side_by_side.role
        and spending.frequency = side_by_side.frequency
        and spending.recency_days = side_by_side.recency_days
        and spending.age_days = side_by_side.age_days

)

select * from scores
