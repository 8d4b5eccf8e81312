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

{#- term n + 1 of 2F1(a, b; c; z) as a share of term n -#}
{% macro gauss_share(a, b, c, z, n) -%}
    (({{ a }} + {{ n }}e0) * ({{ b }} + {{ n }}e0) * {{ z }} / (({{ c }} + {{ n }}e0) * {{ n + 1 }}e0))
{%- endmacro %}

{#- 2F1(a, b; c; z) from columns: the first terms of its series, each inside of the one before, and
    those after them as if each were the same share of the one before -#}
{% macro gauss_series(a, b, c, z) -%}
    {%- set terms = var('ltv_series_terms') -%}
    {%- for n in range(terms) -%}
    (1e0 + {{ gauss_share(a, b, c, z, n) }} *
    {% endfor -%}
    (1e0 / (1e0 - {{ gauss_share(a, b, c, z, terms) }}))
    {%- for n in range(terms) %}){% endfor -%}
{%- endmacro %}

{#- its slope times z: the same terms, each as often as its number -#}
{% macro gauss_series_slope(a, b, c, z) -%}
    {%- set terms = var('ltv_series_terms') -%}
    {%- set last = gauss_share(a, b, c, z, terms) -%}
    {%- for n in range(terms) -%}
    ({{ n }}e0 + {{ gauss_share(a, b, c, z, n) }} *
    {% endfor -%}
    ({{ terms }}e0 / (1e0 - {{ last }}) + {{ last }} / power(1e0 - {{ last }}, 2))
    {%- for n in range(terms) %}){% endfor -%}
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
