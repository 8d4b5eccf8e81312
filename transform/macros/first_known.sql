{#- the first or last text of a column, in the order of whole numbers, that is not null -#}
{% macro first_known(column, position) -%}
    {{ return(adapter.dispatch('first_known', 'marketing')(column, position)) }}
{%- endmacro %}

{% macro last_known(column, position) -%}
    {{ return(adapter.dispatch('last_known', 'marketing')(column, position)) }}
{%- endmacro %}

{% macro default__first_known(column, position) -%}
    min_by({{ column }}, case when {{ column }} is not null then {{ position }} end)
{%- endmacro %}

{% macro default__last_known(column, position) -%}
    max_by({{ column }}, case when {{ column }} is not null then {{ position }} end)
{%- endmacro %}

{% macro postgres__first_known(column, position) -%}
    (array_agg({{ column }} order by {{ position }}) filter (where {{ column }} is not null))[1]
{%- endmacro %}

{% macro postgres__last_known(column, position) -%}
    (array_agg({{ column }} order by {{ position }} desc) filter (where {{ column }} is not null))[1]
{%- endmacro %}

{#- without arrays: the smallest text of those that begin with their number -#}
{% macro redshift__first_known(column, position) -%}
    substring(min({{ numbered(column, position) }}), 21)
{%- endmacro %}

{% macro redshift__last_known(column, position) -%}
    substring(max({{ numbered(column, position) }}), 21)
{%- endmacro %}

{% macro numbered(column, position) -%}
    lpad({{ as_text(position) }}, 20, '0') || {{ column }}
{%- endmacro %}
