with

scores as (

    select * from {{ ref('int_value__scores') }}
    where cut_off = 'current'

),

predictions as (

    select
        {{ as_text('prediction_date') }} || ' ' || customer_key as prediction_id,
        prediction_date,
        customer_key,
        -- the project may report in another one later
        '{{ var("reporting_currency") }}' as reporting_currency,
        model_id,
        cohort_month,
        {% for days in horizons_days() %}
            expected_purchases_{{ days }}d,
            expected_revenue_{{ days }}d_usd,
            revenue_variance_{{ days }}d,
        {% endfor %}
        acquisition_channel,
        benchmark_purchases_a_day,
        benchmark_revenue_a_day_usd
    from scores

)

select * from predictions
