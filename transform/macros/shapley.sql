{#- what a player's coming adds is weighed by the orders of coming in which `others` stand before it -#}
{% macro shapley_weights() -%}
    {%- for players in range(1, var('shapley_max_players') + 1) -%}
    {%- set counted = namespace(subsets=1) -%}
    {%- for others in range(players) %}
    select
        {{ players }} as players,
        {{ others }} as others,
        1 / cast({{ players * counted.subsets }} as double) as weight
    {%- set counted.subsets = counted.subsets * (players - 1 - others) // (others + 1) -%}
    {%- if not (loop.last and players == var('shapley_max_players')) %}
    union all
    {%- endif -%}
    {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
