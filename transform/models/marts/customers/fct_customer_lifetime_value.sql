with

shown as (

    select * from {{ ref('int_value__shown') }}

),

valued as (

    select
        customer_key,
        prediction_date,
        shown_model,
        model_id,
        cohort_month,
        acquisition_channel,
        purchases,
        {{ round_half('probability_alive', 6) }} as probability_alive,
        {% for days in horizons_days() %}
            {{ round_possible('expected_purchases_' ~ days ~ 'd', 6) }}
                as expected_purchases_{{ days }}d,
            {{ expected_money(days) }},
        {% endfor %}
        {{ round_possible('expected_spend_usd', 2) }} as expected_spend_usd,
        {{ round_possible(discounted_value(), 2) }} as value_365d_usd
    from shown

)

select * from valued
