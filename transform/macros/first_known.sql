{#- the first or last value of a column, in the order of another one, that is not null -#}
{% macro first_known(column, position) -%}
    min_by({{ column }}, case when {{ column }} is not null then {{ position }} end)
{%- endmacro %}

{% macro last_known(column, position) -%}
    max_by({{ column }}, case when {{ column }} is not null then {{ position }} end)
{%- endmacro %}
