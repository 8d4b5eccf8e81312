with

customers as (

    select * from {{ ref('int_value__shown') }}

),

parameters as (

    select * from {{ ref('int_value__parameters') }}
    where cut_off = 'current'

),

summed as (

    select
        prediction_date,
        shown_model,
        model_id,
        cohort_month,
        acquisition_channel,
        count(*) as customers,
        {% for days in horizons_days() %}
            sum(expected_revenue_{{ days }}d_usd) as expected_revenue_{{ days }}d_usd,
            sum(revenue_variance_{{ days }}d) as revenue_variance_{{ days }}d,
        {% endfor %}
        sum(expected_purchases_365d) as expected_purchases_365d
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
        {% for days in horizons_days() %}
            summed.expected_revenue_{{ days }}d_usd,
            summed.revenue_variance_{{ days }}d
            + power(summed.expected_revenue_{{ days }}d_usd, 2) * (
                power(parameters.purchases_relative_error, 2)
                + power(parameters.spend_relative_error, 2)
            ) as revenue_variance_{{ days }}d,
        {% endfor %}
        summed.expected_purchases_365d
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
        {% for days in horizons_days() %}
            {{ expected_money(days) }},
        {% endfor %}
        {{ round_half('expected_purchases_365d', 6) }} as expected_purchases_365d,
        {{ round_half(discounted_value(), 2) }} as value_365d_usd,
        {{ round_half(discounted_value() ~ ' / customers', 2) }} as value_a_customer_usd
    from uncertain

)

select * from valued
