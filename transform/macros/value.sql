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
    max(case when horizon_days = {{ days }} then {{ column }} end)
{%- endmacro %}

{#- the mean over a customer's chance to leave, which is beta, is the sum of so many nodes: even steps of
    the logit of the chance. So it is exact to eight digits for every fit (docs/ltv-calculations.md) -#}
{% macro last_node() -%}
    {{ return(127) }}
{%- endmacro %}

{#- rows of whole numbers from 0, fewer than `count` -#}
{% macro numbers_below(count) -%}
    {%- for number in range(count) %}
    select {{ number }} as number
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the nodes as rows -#}
{% macro leaving_nodes() -%}
    select 16 * eights.number + sixteens.number as node
    from ({{ numbers_below((last_node() + 1) // 16) }}) as eights
    cross join ({{ numbers_below(16) }}) as sixteens
{%- endmacro %}

{#- how far from its peak a beta has no weight left that counts, not even where the customers count who
    hardly ever leave. A wide one ends nowhere before its tails do -#}
{% macro logit_reach() -%}
    {%- set excess = '(leaving_shape * staying_shape / (leaving_shape + staying_shape) - 2e0)' -%}
    case
        when {{ excess }} > 1e-2 then (12e0 + sqrt(144e0 + 40e0 * {{ excess }})) / {{ excess }}
        else 2400e0
    end
{%- endmacro %}

{#- where the first node is: so far left that what is summed goes on as a geometric series -#}
{% macro first_logit() -%}
    greatest(
            ln(leaving_shape / staying_shape) - {{ logit_reach() }},
            -18e0 - ln(1e0 + staying_shape + (rate_shape + 2e0) * horizon_ratio)
        )
{%- endmacro %}

{#- where the last node is -#}
{% macro last_logit() -%}
    least(
            ln(leaving_shape / staying_shape) + {{ logit_reach() }},
            18e0 + ln(1e0 + leaving_shape)
        )
{%- endmacro %}

{#- e to a power that a double holds -#}
{% macro bounded_exp(power) -%}
    exp(greatest(least({{ power }}, 500e0), -500e0))
{%- endmacro %}

{#- the weight of a node, the peak has 1; the first and the last stand for all that follow -#}
{% macro leaving_weight() -%}
    {{ bounded_exp(
        'leaving_shape * ln(leaving * (leaving_shape + staying_shape) / leaving_shape)'
        ~ ' + staying_shape * ln(staying * (leaving_shape + staying_shape) / staying_shape)'
    ) }} / case
            when node = 0 then 1e0 - {{ bounded_exp('-leaving_shape * step') }}
            when node = {{ last_node() }} then 1e0 - {{ bounded_exp('-staying_shape * step') }}
            else 1e0
        end
{%- endmacro %}

{#- the chance of more than one purchase by who never leaves: negative binomial. Where it is small, its
    terms are added instead of what is left of 1, of which no digit is right -#}
{% macro more_than_one() -%}
    case
            when (rate_shape + 2e0) * ratio >= 1e-1 then 1e0 - no_purchase - one_purchase
            else one_purchase * (rate_shape + 1e0) / 2e0 * ratio / (1e0 + ratio) * (
                    {% for n in range(2, 10) -%}
                        1e0 + (rate_shape + {{ n }}e0) / {{ n + 1 }}e0 * ratio / (1e0 + ratio)
                        {%- if not loop.last %} * ({% endif %}
                    {% endfor -%}
                    {{ ')' * 8 }}
        end
{%- endmacro %}

{#- a double as a decimal; null where it is none, or too large for one -#}
{% macro round_possible(value, decimals) -%}
    case when abs({{ value }}) < 1e{{ 17 - decimals }} then {{ round_half(value, decimals) }} end
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
    {{ round_possible(mean, 2) }} as {{ mean }},
        {{ round_possible('(' ~ interval_end(mean, variance, -1) ~ ')', 2) }}
            as revenue_{{ days }}d_low_usd,
        {{ round_possible('(' ~ interval_end(mean, variance, 1) ~ ')', 2) }}
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
