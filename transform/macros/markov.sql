{#- the chains that a build makes: level and order -#}
{% macro markov_chains() -%}
    {%- do check_chains() -%}
    {%- set chains = [] -%}
    {%- for level in path_levels() -%}
    {%- for order in var('markov_orders').get(level, []) %}{% do chains.append((level, order)) %}{% endfor -%}
    {%- endfor -%}
    {{ return(chains) }}
{%- endmacro %}

{#- the chains as rows: each with its moves from state to state, and with those to an end -#}
{% macro markov_chain_rows() -%}
    {%- for level, order in markov_chains() %}
    {%- for is_end in ['false', 'true'] %}
    select '{{ level }}' as path_level, {{ order }} as markov_order, {{ is_end }} as is_end
    {%- if is_end == 'false' %} union all {%- endif -%}
    {%- endfor -%}
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- a state: the last nodes, newest last, six digits each; 0 is the start -#}
{% macro markov_state(newest) -%}
    case chains.markov_order
        {%- for order in markov_chains() | map(attribute=1) | unique | sort %}
        when {{ order }} then
            {% for back in range(newest + order - 1, newest - 1, -1) -%}
            {{ 'counted.node_' ~ back }}
            {%- if back > newest %} * {{ 1000000 ** (back - newest) }} + {% endif -%}
            {%- endfor -%}
        {%- endfor %}
    end
{%- endmacro %}

{#- removals that one row of a walk carries side by side -#}
{% macro markov_width() -%}
    {{ return(16) }}
{%- endmacro %}

{#- the longest memory of all chains -#}
{% macro markov_longest_order() -%}
    {{ return(markov_chains() | map(attribute=1) | max) }}
{%- endmacro %}

{#- a whole journey before each removal of a row -#}
{% macro markov_full_masses() -%}
    {%- for slot in range(markov_width()) -%}
    {{ as_double('1') }} as mass_{{ slot }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- what is left of it under the removal of a slot -#}
{% macro markov_mass_of(slot) -%}
    case {{ slot }}
        {%- for number in range(markov_width()) %} when {{ number }} then mass_{{ number }}{% endfor %}
    end
{%- endmacro %}

{#- an eighth of the steps, from walk_0 to last_step; what goes to a removed node is lost. All of them in
    one query would be more than some engines plan -#}
{% macro markov_walk() -%}
    {%- do check_chains() -%}
    {%- for step in range(1, var('markov_steps') // 8 + 1) -%}
    {{ 'last_step' if loop.last else 'walk_' ~ step }} as {{ kept_apart() }} (
        select
            walk.chain_id,
            walk.first_node,
            moves.to_state_id as state_id,
            moves.to_node as node_id,
            {%- for slot in range(markov_width()) %}
            case
                when moves.to_node = walk.first_node + {{ slot }} then 0
                else sum(walk.mass_{{ slot }} * moves.probability)
            end as mass_{{ slot }}{{ ',' if not loop.last }}
            {%- endfor %}
        from walk_{{ step - 1 }} as walk
        inner join moves on walk.state_id = moves.from_state_id
        group by walk.chain_id, walk.first_node, moves.to_state_id, moves.to_node
    ),
    {% endfor -%}
{%- endmacro %}

{#- every visit with those before it, as far as any chain looks back; 0 before the first. A level at
    a time and with few columns: at millions of touches the sort is all the cost -#}
{% macro markov_remembered(visits) -%}
    {%- for level in markov_chains() | map(attribute=0) | unique %}
    select
        path_level,
        window_days,
        journey_type,
        is_converted,
        case when step = journey_steps then revenue_usd end as revenue_usd,
        step = journey_steps as is_last,
        node_id as node_0
        {%- for back in range(1, markov_longest_order() + 1) %},
        coalesce(
            lag(node_id, {{ back }}) over (
                partition by window_days, journey_id
                order by step
            ), 0
        ) as node_{{ back }}
        {%- endfor %}
    from {{ visits }}
    where path_level = '{{ level }}'
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro markov_memory_columns() -%}
    {%- for back in range(markov_longest_order() + 1) -%}
    node_{{ back }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
