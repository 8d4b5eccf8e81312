{#- between two queries: the rows of both, each once; BigQuery wants the word, others do not know it -#}
{% macro union_distinct() -%}
    {{ return(adapter.dispatch('union_distinct', 'marketing')()) }}
{%- endmacro %}

{% macro default__union_distinct() -%}
    union
{%- endmacro %}

{% macro bigquery__union_distinct() -%}
    union distinct
{%- endmacro %}

{#- the numbers 0 to 9 as rows -#}
{% macro digits() -%}
    {%- for digit in range(10) %}
    select cast({{ digit }} as integer) as digit
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}
