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

judged as (

    select
        *,
        {{ is_merged_cell('customers', 'cohort_month', 'acquisition_channel') }} as is_merged
    from summed

),

published as (

    -- a month of too few customers in all has no row
    select
        prediction_date,
        shown_model,
        model_id,
        cohort_month,
        {{ cell_name('acquisition_channel') }} as acquisition_channel,
        is_merged,
        cast(sum(customers) as bigint) as customers,
        {% for days in horizons_days() %}
            sum(expected_revenue_{{ days }}d_usd) as expected_revenue_{{ days }}d_usd,
            sum(revenue_variance_{{ days }}d) as revenue_variance_{{ days }}d,
        {% endfor %}
        sum(expected_purchases_365d) as expected_purchases_365d
    from judged
    group by
        prediction_date,
        shown_model,
        model_id,
        cohort_month,
        {{ cell_name('acquisition_channel') }},
        is_merged
    having sum(customers) >= {{ var('minimum_cell_customers') }}

),

uncertain as (

    -- customers vary each for himself; the parameters are wrong for all at once
    select
        published.prediction_date,
        published.shown_model,
        published.model_id,
        published.cohort_month,
        published.acquisition_channel,
        published.is_merged,
        published.customers,
        {% for days in horizons_days() %}
            published.expected_revenue_{{ days }}d_usd,
            published.revenue_variance_{{ days }}d
            + power(published.expected_revenue_{{ days }}d_usd, 2) * (
                power(parameters.purchases_relative_error, 2)
                + power(parameters.spend_relative_error, 2)
            ) as revenue_variance_{{ days }}d,
        {% endfor %}
        published.expected_purchases_365d
    from published
    left join parameters on published.model_id = parameters.model_id

),

valued as (

    select
        prediction_date,
        shown_model,
        model_id,
        cohort_month,
        acquisition_channel,
        is_merged,
        customers,
        {% for days in horizons_days() %}
            {{ expected_money(days) }},
        {% endfor %}
        {{ round_possible('expected_purchases_365d', 6) }} as expected_purchases_365d,
        {{ round_possible(discounted_value(), 2) }} as value_365d_usd,
        {{ round_possible(discounted_value() ~ ' / customers', 2) }} as value_a_customer_usd
    from uncertain

)

select * from valued
