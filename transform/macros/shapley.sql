{#- what a player's coming adds is weighed by the orders of coming in which `others` stand before it -#}
{% macro shapley_weights() -%}
    {%- for players in range(1, whole_setting('shapley_max_players') + 1) -%}
    {%- set counted = namespace(subsets=1) -%}
    {%- for others in range(players) %}
    select
        {{ players }} as players,
        {{ others }} as others,
        1 / {{ as_double(players * counted.subsets) }} as weight
    {%- set counted.subsets = counted.subsets * (players - 1 - others) // (others + 1) -%}
    {%- if not (loop.last and players == whole_setting('shapley_max_players')) %}
    union all
    {%- endif -%}
    {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- the two ends that are valued: columns p_<from>_<to>, from 0 is the start -#}
{% macro shapley_ends() -%}
    {{ return({'conversions': 'probability', 'revenue': 'revenue'}) }}
{%- endmacro %}

{#- every move of the chain as a column -#}
{% macro shapley_chain() -%}
    {%- set most = whole_setting('shapley_max_players') -%}
    {%- for i in range(most + 1) -%}
    {%- for j in range(1, most + 1) %}
    max(case when from_player = {{ i }} and to_player = {{ j }} then probability else 0 end)
        as p_{{ i }}_{{ j }},
    {%- endfor -%}
    {%- for end, column in shapley_ends().items() %}
    sum(case when from_player = {{ i }} and to_player = -1 then {{ column }} else 0 end)
        as p_{{ i }}_{{ end }}{{ ',' if not loop.last }}
    {%- endfor -%}
    {{- ',' if not loop.last -}}
    {%- endfor -%}
{%- endmacro %}

{#- player by player from coalition_0 to coalitions, one row a coalition. Who stays out takes its row
    and column along; who joins is worked in: what went to it goes on from it, however often it turns
    round. After the last player the start's columns hold the value of the coalition -#}
{% macro shapley_coalitions() -%}
    {%- set most = whole_setting('shapley_max_players') -%}
    {%- for k in range(1, most + 1) -%}
    {%- set later = range(k + 1, most + 1) | list -%}
    {{ 'coalitions' if loop.last else 'coalition_' ~ k }} as {{ kept_apart() }} (
        select
            coalition.window_days,
            coalition.conversion_type,
            coalition.players,
            coalition.members + choice.joins as members,
            {%- for before in range(1, k) %}
            coalition.joins_{{ before }},
            {%- endfor %}
            choice.joins as joins_{{ k }}
            {%- for i in [0] + later -%}
            {%- for j in later + (shapley_ends() | list) %},
            coalition.p_{{ i }}_{{ j }} + choice.joins * coalition.p_{{ i }}_{{ k }}
            * coalition.p_{{ k }}_{{ j }} / (1 - coalition.p_{{ k }}_{{ k }}) as p_{{ i }}_{{ j }}
            {%- endfor -%}
            {%- endfor %}
        from coalition_{{ k - 1 }} as coalition
        cross join (select 0 as joins union all select 1 as joins) as choice
        where choice.joins = 0 or coalition.players >= {{ k }}
    ),
    {% endfor -%}
{%- endmacro %}

{#- the value of every player, a column for each and each end -#}
{% macro shapley_sums() -%}
    {%- for k in range(1, whole_setting('shapley_max_players') + 1) -%}
    {%- for end in shapley_ends() %}
    sum(
        case when coalitions.joins_{{ k }} = 1 then joined.weight else -absent.weight end
        * coalitions.p_0_{{ end }}
    ) as {{ end }}_{{ k }}{{ ',' if not loop.last }}
    {%- endfor -%}
    {{- ',' if not loop.last -}}
    {%- endfor -%}
{%- endmacro %}

{#- the value of one player -#}
{% macro shapley_value_of(end, player) -%}
    case {{ player }}
        {%- for k in range(1, whole_setting('shapley_max_players') + 1) %}
        when {{ k }} then valued.{{ end }}_{{ k }}
        {%- endfor %}
    end
{%- endmacro %}
