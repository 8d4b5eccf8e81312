{#- a number that changes when one of the columns does: to find changed rows, never as a key -#}
{% macro hash_of(columns) -%}
    {{ return(adapter.dispatch('hash_of', 'marketing')(columns)) }}
{%- endmacro %}

{% macro duckdb__hash_of(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro postgres__hash_of(columns) -%}
    hashtextextended({{ joined_text(columns) }}, 0)
{%- endmacro %}

{% macro trino__hash_of(columns) -%}
    from_big_endian_64(xxhash64(to_utf8({{ joined_text(columns) }})))
{%- endmacro %}

{% macro default__hash_of(columns) -%}
    xxhash64({{ joined_text(columns) }})
{%- endmacro %}

{% macro joined_text(columns) -%}
    {%- for column in columns -%}
        coalesce(cast({{ column }} as {{ dbt.type_string() }}), '~')
        {%- if not loop.last %} || '|' || {% endif -%}
    {%- endfor -%}
{%- endmacro %}
