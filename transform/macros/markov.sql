{#- the orders that a build makes of a level -#}
{% macro markov_orders(level) -%}
    {{ return(var('markov_orders').get(level, [])) }}
{%- endmacro %}

{#- the longest memory that a build needs -#}
{% macro markov_longest_order() -%}
    {%- set orders = [1] -%}
    {%- for level in path_levels() %}{% do orders.extend(markov_orders(level)) %}{% endfor -%}
    {{ return(orders | max) }}
{%- endmacro %}

{#- a state: the last nodes, newest last, six digits each; 0 is the start -#}
{% macro markov_state(newest, order) -%}
    {%- for back in range(newest + order - 1, newest - 1, -1) -%}
    {{ 'node_' ~ back }}{% if back > newest %} * {{ 1000000 ** (back - newest) }} + {% endif %}
    {%- endfor -%}
{%- endmacro %}

{#- removals that one row of a walk carries side by side -#}
{% macro markov_width() -%}
    {{ return(16) }}
{%- endmacro %}
