{#-
    is a cell of a published breakdown merged with others: it has fewer customers than
    minimum_cell_customers, or the smaller ones together would have fewer and could be told by
    subtraction from the total
-#}
{% macro is_merged_cell(customers, breakdown, cell) -%}
    {{ customers }} < {{ var('minimum_cell_customers') }}
    or coalesce(sum({{ customers }}) over (
        partition by {{ breakdown }}
        order by {{ customers }} asc, {{ cell }} asc
        rows between unbounded preceding and 1 preceding
    ), {{ var('minimum_cell_customers') }}) < {{ var('minimum_cell_customers') }}
{%- endmacro %}

{#- the order of decisions in which the one that counts is first: of those at one moment a refusal -#}
{% macro latest_decision() -%}
    changed_at desc, case when is_granted then 1 else 0 end asc, decision_source asc
{%- endmacro %}

{#- the name of a cell as it is published: merged ones have one in common -#}
{% macro cell_name(cell) -%}
    case when is_merged then 'other' else {{ cell }} end
{%- endmacro %}

{#- the shortest window of the purposes that a person refuses, days; empty where none limits it -#}
{% macro consent_window_days() -%}
    {%- do check_consent_windows() -%}
    {%- set windows = [] -%}
    {%- for purpose, days in var('consent_windows_days').items() if days is not none -%}
        {%- do windows.append({'purpose': purpose, 'days': days}) -%}
    {%- endfor -%}
    case
        {%- for window in windows | sort(attribute='days') %}
        when has_denied_{{ window.purpose }} then {{ window.days }}
        {%- endfor %}
        {%- if not windows %}
        when 1 = 0 then 0
        {%- endif %}
    end
{%- endmacro %}
