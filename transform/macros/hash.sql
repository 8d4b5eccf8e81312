{#- 64 bits of a text as a whole number: the same for the same text on one engine, in every run -#}
{% macro hash_64(text) -%}
    {{ return(adapter.dispatch('hash_64', 'marketing')(text)) }}
{%- endmacro %}

{% macro default__hash_64(text) -%}
    hash({{ text }})
{%- endmacro %}

{#- its own `hash` may change with a version -#}
{% macro duckdb__hash_64(text) -%}
    cast(md5_number_lower({{ text }}) >> 1 as bigint)
{%- endmacro %}

{% macro postgres__hash_64(text) -%}
    hashtextextended({{ text }}, 0)
{%- endmacro %}

{% macro redshift__hash_64(text) -%}
    strtol(left(md5({{ text }}), 15), 16)
{%- endmacro %}

{% macro trino__hash_64(text) -%}
    from_big_endian_64(xxhash64(to_utf8({{ text }})))
{%- endmacro %}

{% macro spark__hash_64(text) -%}
    xxhash64({{ text }})
{%- endmacro %}

{% macro bigquery__hash_64(text) -%}
    farm_fingerprint({{ text }})
{%- endmacro %}

{#- a number that changes when one of the columns does: to find changed rows, never as a key. Of a
    type in which many add up -#}
{% macro hash_of(columns) -%}
    {{ return(adapter.dispatch('hash_of', 'marketing')(columns)) }}
{%- endmacro %}

{% macro default__hash_of(columns) -%}
    {%- set texts = [] -%}
    {%- for column in columns -%}
        {%- do texts.append("coalesce(" ~ as_text(column) ~ ", '~')") -%}
    {%- endfor -%}
    cast({{ hash_64(texts | join(" || '|' || ")) }} as {{ type_decimal(38, 0) }})
{%- endmacro %}

{#- three times as fast as by way of text; a new version that hashes otherwise changes every row once -#}
{% macro duckdb__hash_of(columns) -%}
    cast(hash({{ columns | join(', ') }}) >> 1 as bigint)
{%- endmacro %}
