{#- the part of a text between delimiters, counted from 1 -#}
{% macro text_part(text, delimiter, number) -%}
    {{ return(adapter.dispatch('text_part', 'marketing')(text, delimiter, number)) }}
{%- endmacro %}

{% macro default__text_part(text, delimiter, number) -%}
    split_part({{ text }}, '{{ delimiter }}', {{ number }})
{%- endmacro %}

{% macro bigquery__text_part(text, delimiter, number) -%}
    split({{ text }}, '{{ delimiter }}')[safe_offset({{ number - 1 }})]
{%- endmacro %}

{#- does a text stand in another one -#}
{% macro contains(text, part) -%}
    {{ dbt.position(part, text) }} > 0
{%- endmacro %}

{#- does a text end with another one, letter by letter: `like` would read _ and % as wild cards, and
    on some engines a backslash. A line break stands in none of them -#}
{% macro ends_with(text, ending) -%}
    {{ contains(text ~ " || chr(10)", ending ~ " || chr(10)") }}
{%- endmacro %}
