{#- a value as text; `null` gives an empty column of texts -#}
{% macro as_text(value) -%}
    cast({{ value }} as {{ dbt.type_string() }})
{%- endmacro %}

{#- a value as a floating number of 64 bits; dbt's own type is one of 32 bits on some engines -#}
{% macro as_double(value) -%}
    {%- if var('double_types') is not mapping %}{% do check_map_of_names('double_types') %}{% endif -%}
    cast({{ value }} as {{ var('double_types').get(target.type, 'double') }})
{%- endmacro %}

{#- a decimal type -#}
{% macro type_decimal(precision, scale) -%}
    {{ return(adapter.dispatch('type_decimal', 'marketing')(precision, scale)) }}
{%- endmacro %}

{% macro default__type_decimal(precision, scale) -%}
    decimal({{ precision }}, {{ scale }})
{%- endmacro %}

{#- its plain decimals have at most 9 digits after the point and 29 before it -#}
{% macro bigquery__type_decimal(precision, scale) -%}
    {{ 'big' if scale > 9 or precision > 29 + scale }}decimal({{ precision }}, {{ scale }})
{%- endmacro %}

{#- a double as a decimal with one to twelve digits after the point, rounded half away from zero: the
    same arithmetic, and so the same digits, on every engine, which `round` does not give -#}
{% macro round_half(value, decimals) -%}
    cast(
        cast(sign({{ value }}) * floor(abs({{ value }}) * 1e{{ decimals }} + 0.5) as bigint)
        * cast('0.{{ '%0*d' | format(decimals, 1) }}' as {{ type_decimal(decimals, decimals) }})
        as {{ type_decimal(18, decimals) }}
    )
{%- endmacro %}
