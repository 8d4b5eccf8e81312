{#- what a path can be a path of -#}
{% macro path_levels() -%}
    {{ return(['channel', 'campaign']) }}
{%- endmacro %}

{#- the conversion types, each with the types of journeys that stand in it -#}
{% macro conversion_types() -%}
    select 'all' as conversion_type, 'first_order' as journey_type
    union all select 'all' as conversion_type, 'repeat_order' as journey_type
    union all select 'first_order' as conversion_type, 'first_order' as journey_type
    union all select 'repeat_order' as conversion_type, 'repeat_order' as journey_type
{%- endmacro %}

{#- a step that the next one reads once: not worked into it, or planning takes longer than running -#}
{% macro kept_apart() -%}
    {{ return(adapter.dispatch('kept_apart', 'marketing')()) }}
{%- endmacro %}

{% macro default__kept_apart() -%}{%- endmacro %}

{% macro duckdb__kept_apart() -%}materialized{%- endmacro %}

{% macro postgres__kept_apart() -%}materialized{%- endmacro %}

{#- a share of a group by weights that may be below zero (they count as none); alike without any -#}
{% macro share_of_group(weight, group) -%}
    case
        when sum(greatest({{ weight }}, 0)) over (partition by {{ group }}) > 0
            then
                greatest({{ weight }}, 0)
                / sum(greatest({{ weight }}, 0)) over (partition by {{ group }})
        else cast(1 as double) / count(*) over (partition by {{ group }})
    end
{%- endmacro %}

{#- the models over whole paths that a build makes of a level -#}
{% macro path_models(level) -%}
    {%- set models = [] -%}
    {%- for order in markov_orders(level) %}{% do models.append('markov_' ~ order) %}{% endfor -%}
    {%- if 1 in markov_orders('channel') %}{% do models.append('shapley') %}{% endif -%}
    {{ return(models) }}
{%- endmacro %}

{#- the values of a group that are not null as one text, in order -#}
{% macro joined_in_order(value, position) -%}
    {{ return(adapter.dispatch('joined_in_order', 'marketing')(value, position)) }}
{%- endmacro %}

{% macro default__joined_in_order(value, position) -%}
    {{ dbt.listagg(value, "' > '", 'order by ' ~ position) }}
{%- endmacro %}

{% macro duckdb__joined_in_order(value, position) -%}
    string_agg({{ value }}, ' > ' order by {{ position }})
{%- endmacro %}
