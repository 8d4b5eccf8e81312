{#- an amount in the reporting currency, rounded half up to cents: once per row, never per total -#}
{% macro usd(amount, usd_per_unit) -%}
    cast(round({{ amount }} * {{ usd_per_unit }}, 2) as decimal(18, 2))
{%- endmacro %}

{#- the rate to use: one for the reporting currency itself, else the looked-up rate of the day -#}
{% macro rate_or_one(currency, usd_per_unit) -%}
    case when {{ currency }} = '{{ var("reporting_currency") }}' then 1 else {{ usd_per_unit }} end
{%- endmacro %}

{#- integer cents as money -#}
{% macro cents_to_amount(cents) -%}
    cast({{ cents }} * cast(0.01 as decimal(3, 2)) as decimal(18, 2))
{%- endmacro %}

{#- integer micros as money, nothing rounded -#}
{% macro micros_to_amount(micros) -%}
    cast({{ micros }} * cast(0.000001 as decimal(7, 6)) as decimal(18, 6))
{%- endmacro %}

{#- a ratio, null where the denominator is zero -#}
{% macro safe_ratio(numerator, denominator) -%}
    ({{ as_double(numerator) }} / nullif({{ as_double(denominator) }}, 0))
{%- endmacro %}
