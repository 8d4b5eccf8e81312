with

customers as (

    select * from {{ ref('fct_customer_lifetime_value') }}

),

parameters as (

    select * from {{ ref('int_value__parameters') }}
    where role = 'current'

),

summed as (

    select
        prediction_date,
        shown_model,
        model_id,
        cohort_month,
        acquisition_channel,
        count(*) as customers,
        sum(expected_purchases_365d) as expected_purchases_365d
        {%- for days in horizons_days() %},
        sum(expected_revenue_{{ days }}d_usd) as expected_revenue_{{ days }}d_usd,
        sum(revenue_variance_{{ days }}d) as revenue_variance_{{ days }}d
        {%- endfor %},
        sum(value_365d_usd) as value_365d_usd
    from customers
    group by prediction_date, shown_model, model_id, cohort_month, acquisition_channel

),

uncertain as (

    -- customers vary each for himself; the parameters are wrong for all at once
    select
        summed.prediction_date,
        summed.shown_model,
        summed.model_id,
        summed.cohort_month,
        summed.acquisition_channel,
        summed.customers,
        summed.expected_purchases_365d,
        summed.value_365d_usd
        {%- for days in horizons_days() %},
        summed.expected_revenue_{{ days }}d_usd,
        summed.revenue_variance_{{ days }}d
        + power(summed.expected_revenue_{{ days }}d_usd, 2) * (
            power(parameters.purchases_relative_error, 2)
            + power(parameters.spend_relative_error, 2)
        ) as revenue_variance_{{ days }}d
        {%- endfor %}
    from summed
    left join parameters on summed.model_id = parameters.model_id

),

valued as (

    select
        prediction_date,
        shown_model,
        model_id,
        cohort_month,
        acquisition_channel,
        customers,
        expected_purchases_365d
        {%- for days in horizons_days() %},
        expected_revenue_{{ days }}d_usd,
        {{ interval_end(
            'expected_revenue_' ~ days ~ 'd_usd', 'revenue_variance_' ~ days ~ 'd', -1
        ) }} as revenue_{{ days }}d_low_usd,
        {{ interval_end(
            'expected_revenue_' ~ days ~ 'd_usd', 'revenue_variance_' ~ days ~ 'd', 1
        ) }} as revenue_{{ days }}d_high_usd
        {%- endfor %},
        value_365d_usd,
        {{ safe_ratio('value_365d_usd', 'customers') }} as value_a_customer_usd
    from uncertain

)

select * from valued
