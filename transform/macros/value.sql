{#- what the score of lifetime value is made of: docs/ltv-calculations.md -#}

{#- the horizons of a prediction, days -#}
{% macro horizons_days() -%}
    {{ return([30, 90, 180, 365]) }}
{%- endmacro %}

{#- the same as rows -#}
{% macro value_horizons() -%}
    {%- for days in horizons_days() %}
    select {{ days }} as horizon_days
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- predictions that stand side by side as rows, one a horizon -#}
{% macro by_horizon(predictions, kind) -%}
    {%- for days in horizons_days() %}
    select
        '{{ kind }}' as kind,
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
    from {{ predictions }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{#- the value of one horizon, where rows of a group have one each -#}
{% macro of_horizon(column, days) -%}
    {{ as_double('max(case when horizon_days = ' ~ days ~ ' then ' ~ column ~ ' end)') }}
{%- endmacro %}

{#- term n + 1 of the series 2F1(upper_1, upper_2; lower_1; horizon_share) as a share of term n -#}
{% macro gauss_share(n) -%}
    (
        (upper_1 + {{ n }}e0) * (upper_2 + {{ n }}e0) * horizon_share
        / ((lower_1 + {{ n }}e0) * {{ n + 1 }}e0)
    )
{%- endmacro %}

{#- the share of the first term that is not counted, and how it changes to the next one -#}
{% macro gauss_last() -%}
    {%- do check_series_terms() -%}
    {%- set terms = var('ltv_series_terms') -%}
    {{ gauss_share(terms) }} as last_share,
        {{ gauss_share(terms + 1) }} - {{ gauss_share(terms) }} as share_change
{%- endmacro %}

{#- what the terms after the last counted one add to it, as if their shares went on to change as
    they do there: of the series, and of its slope, in which each term counts as often as its number -#}
{% macro gauss_rest() -%}
    {%- do check_series_terms() -%}
    {%- set terms = var('ltv_series_terms') -%}
    (1e0 + last_share * share_change / power(1e0 - last_share, 2)) / (1e0 - last_share) as series,
        (
            {{ terms }}e0 + last_share / (1e0 - last_share) + last_share * share_change * (
                {{ terms }}e0 / power(1e0 - last_share, 2)
                + (1e0 + last_share) / power(1e0 - last_share, 3)
            )
        ) / (1e0 - last_share) as series_slope
{%- endmacro %}

{#- views that go from `rest` back to the first term, ten terms each: some parsers take no more
    brackets. Each term stands inside of the one before -#}
{% macro gauss_terms() -%}
    {%- do check_series_terms() -%}
    {%- for first in range(var('ltv_series_terms') - 10, -1, -10) %}
    from_{{ first }} as (

        select
            cut_off, frequency, recency_days, age_days, horizon_days,
            upper_1, upper_2, lower_1, horizon_share,
            {% for n in range(first, first + 10) -%} (1e0 + {{ gauss_share(n) }} * {% endfor -%}
            series {%- for n in range(10) %}){% endfor %} as series,
            {% for n in range(first, first + 10) -%} ({{ n }}e0 + {{ gauss_share(n) }} * {% endfor -%}
            series_slope {%- for n in range(10) %}){% endfor %} as series_slope
        from {{ 'rest' if loop.first else 'from_' ~ (first + 10) }}

    ){{ ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- an end of the interval of 80 % around a mean, as of a gamma distribution (Wilson, Hilferty):
    never below zero, and skewed as sums of few purchases are. `side` is -1 or 1 -#}
{% macro interval_end(mean, variance, side) -%}
    case
        when {{ mean }} > 0 and {{ variance }} > 0 then
            {{ mean }} * power(
                greatest(
                    1e0 - {{ variance }} / (9e0 * {{ mean }} * {{ mean }})
                    {{ '+' if side > 0 else '-' }} 1.281552e0 * sqrt({{ variance }})
                    / (3e0 * {{ mean }}),
                    0e0
                ),
                3
            )
        when {{ variance }} is not null then {{ mean }}
    end
{%- endmacro %}

{#- the revenue expected within some days with the interval around it, in cents, as columns -#}
{% macro expected_money(days) -%}
    {%- set mean, variance = 'expected_revenue_' ~ days ~ 'd_usd', 'revenue_variance_' ~ days ~ 'd' -%}
    {{ round_half(mean, 2) }} as {{ mean }},
        {{ round_half('(' ~ interval_end(mean, variance, -1) ~ ')', 2) }}
            as revenue_{{ days }}d_low_usd,
        {{ round_half('(' ~ interval_end(mean, variance, 1) ~ ')', 2) }}
            as revenue_{{ days }}d_high_usd
{%- endmacro %}

{#- from dbt_project.yml: what is left of revenue, in the money of today -#}
{% macro discounted_share(days) -%}
    ({{ var('ltv_margin') }} * power(1e0 + {{ var('ltv_discount_rate') }}, -{{ days }} / 365e0))
{%- endmacro %}

{#- the revenue expected within a year as money of today: what comes between two horizons counts as
    if it came halfway -#}
{% macro discounted_value() -%}
    {%- set ends = [0] + horizons_days() -%}
    (
    {%- for days in horizons_days() %}
        {%- set before = ends[loop.index0] %}
        {{ '+ ' if not loop.first }}{{ discounted_share((before + days) / 2) }} * (
            expected_revenue_{{ days }}d_usd
            {%- if before %} - expected_revenue_{{ before }}d_usd{% endif %}
        )
    {%- endfor %}
    )
{%- endmacro %}

{#- predictions of who is no customer any more, or has refused, are not kept -#}
{% macro forget_missing_customers() -%}
    {%- if model.config.materialized == 'incremental' %}
    delete from {{ this }}
    where customer_key not in (select customer_key from {{ ref('int_value__acquisitions') }})
    {%- endif -%}
{%- endmacro %}

{#- add fits that were made outside of the warehouse -#}
{% macro keep_fits(rows) -%}
    {%- do keep_rows(ref('int_value__fits'), 'model_id', rows, fit_types()) -%}
{%- endmacro %}

{#- the columns of a fit and their types -#}
{% macro fit_types() -%}
    {%- set double = var('double_types').get(target.type, 'double') -%}
    {%- set types = {
        'model_id': dbt.type_string(), 'as_of_date': 'date', 'fitted_at': dbt.type_timestamp(),
        'time_unit': dbt.type_string(), 'status': dbt.type_string(), 'reason': dbt.type_string(),
        'customers': dbt.type_bigint(), 'repeat_customers': dbt.type_bigint(),
        'unique_rows': dbt.type_bigint()
    } -%}
    {%- for name in [
        'r', 'alpha_weeks', 'a', 'b', 'p', 'q', 'gamma_usd', 'purchase_log_likelihood',
        'spend_log_likelihood', 'purchases_relative_error', 'spend_relative_error'
    ] -%}
        {%- do types.update({name: double}) -%}
    {%- endfor -%}
    {%- do types.update({
        'purchase_covariance': dbt.type_string(), 'spend_covariance': dbt.type_string()
    }) -%}
    {{ return(types) }}
{%- endmacro %}
