{#- what a path can be a path of -#}
{% macro path_levels() -%}
    {{ return(['channel', 'campaign']) }}
{%- endmacro %}

{#- the look-back windows of paths as rows -#}
{% macro path_windows() -%}
    {%- do check_path_windows() -%}
    {%- for days in var('path_windows_days') %}
    select cast({{ days }} as integer) as window_days
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the conversion types and `all`, each with the types of journeys that stand in it -#}
{% macro conversion_types_and_all() -%}
    {%- for type in conversion_types() %}
    select 'all' as conversion_type, '{{ type }}' as journey_type
    union all
    select '{{ type }}' as conversion_type, '{{ type }}' as journey_type
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- a step that the next one reads once: not worked into it, or planning takes longer than running -#}
{% macro kept_apart() -%}
    {{ return(adapter.dispatch('kept_apart', 'marketing')()) }}
{%- endmacro %}

{% macro default__kept_apart() -%}{%- endmacro %}

{% macro duckdb__kept_apart() -%}materialized{%- endmacro %}

{#- a step that PostgreSQL plans by itself: it would write each use of a column out in full, and of
    columns made of columns that is more than it can plan -#}
{% macro planned_alone() -%}
    {{ return(adapter.dispatch('planned_alone', 'marketing')()) }}
{%- endmacro %}

{% macro default__planned_alone() -%}{%- endmacro %}

{% macro postgres__planned_alone() -%}materialized{%- endmacro %}

{#- which has no such word, and would take that of PostgreSQL -#}
{% macro redshift__planned_alone() -%}{%- endmacro %}

{% macro postgres__kept_apart() -%}materialized{%- endmacro %}

{% macro redshift__kept_apart() -%}{%- endmacro %}

{#- a share of a group by weights that may be below zero (they count as none); alike without any -#}
{% macro share_of_group(weight, group) -%}
    case
        when max({{ weight }}) over (partition by {{ group }}) > 0
            then
                greatest({{ weight }}, 0)
                / sum(greatest({{ weight }}, 0)) over (partition by {{ group }})
        else {{ as_double('1') }} / count(*) over (partition by {{ group }})
    end
{%- endmacro %}

{#- the models over whole paths that a build makes, by level, as rows -#}
{% macro path_models() -%}
    {%- for level, order in markov_chains() %}
    select
        'markov_{{ order }}' as model,
        '{{ level }}' as path_level,
        {{ order }} as markov_order
    union all
    {%- endfor %}
    {%- for level in path_levels() %}
    select
        'shapley' as model,
        '{{ level }}' as path_level,
        0 as markov_order
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
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

{% macro postgres__joined_in_order(value, position) -%}
    string_agg({{ value }}, ' > ' order by {{ position }})
{%- endmacro %}

{% macro redshift__joined_in_order(value, position) -%}
    listagg({{ value }}, ' > ') within group (order by {{ position }})
{%- endmacro %}

{% macro trino__joined_in_order(value, position) -%}
    listagg({{ value }}, ' > ') within group (order by {{ position }})
{%- endmacro %}

{#- its lists have no order of their own -#}
{% macro spark__joined_in_order(value, position) -%}
    array_join(
        transform(
            array_sort(
                collect_list(
                    case
                        when {{ value }} is not null
                            then struct({{ position }} as place, {{ value }} as name)
                    end
                )
            ),
            met -> met.name
        ),
        ' > '
    )
{%- endmacro %}

{#- the share of a group up to this row; 0 where nothing weighs -#}
{% macro cumulative_share(weight, group, position) -%}
    coalesce(
        sum({{ weight }}) over (
            partition by {{ group }}
            order by {{ position }}
            rows between unbounded preceding and current row
        ) / nullif(sum({{ weight }}) over (partition by {{ group }}), 0),
        0
    )
{%- endmacro %}
