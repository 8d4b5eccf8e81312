{#- the look-back windows as rows -#}
{% macro attribution_windows() -%}
    {%- for days in var('attribution_windows_days') %}
    select cast({{ days }} as integer) as window_days
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the rule-based models as rows -#}
{% macro attribution_models() -%}
    {%- for model in ['first_touch', 'last_touch', 'linear', 'time_decay', 'position_based'] %}
    select '{{ model }}' as model
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- weight halves with every half-life between touch and conversion: continuous, no steps -#}
{% macro time_decay_weight(seconds_to_conversion) -%}
    power(
        cast(2 as double),
        -cast({{ seconds_to_conversion }} as double) / {{ var('time_decay_half_life_days') * 86400 }}
    )
{%- endmacro %}

{#- 40 % first, 40 % last, 20 % shared by the middle; two touches half each, one touch all -#}
{% macro position_based_weight(touch_position, touch_count) -%}
    case
        when {{ touch_count }} = 1 then 1.0
        when {{ touch_count }} = 2 then 0.5
        when {{ touch_position }} in (1, {{ touch_count }}) then 0.4
        else cast(0.2 as double) / ({{ touch_count }} - 2)
    end
{%- endmacro %}
