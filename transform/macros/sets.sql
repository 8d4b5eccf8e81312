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
