{#- keyed hash of an identifier, 32 hexadecimal characters; null and empty stay null. The inner
    round hides the length of the key, the outer one binds the value to it. -#}
{% macro pseudonym(value) -%}
    {{ return(adapter.dispatch('pseudonym', 'marketing')(value)) }}
{%- endmacro %}

{% macro default__pseudonym(value) -%}
    {%- set key = env_var('DBT_PSEUDONYM_KEY', 'local-demo-key') | replace("'", "''") -%}
    substr(sha256('{{ key }}' || sha256('{{ key }}' || nullif(cast({{ value }} as varchar), ''))), 1, 32)
{%- endmacro %}

{#- e-mail addresses are compared without case and outer spaces -#}
{% macro email_pseudonym(value) -%}
    {{ pseudonym('lower(trim(' ~ value ~ '))') }}
{%- endmacro %}
