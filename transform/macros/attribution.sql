{#- the look-back windows as rows -#}
{% macro attribution_windows() -%}
    {%- for days in var('attribution_windows_days') %}
    select cast({{ days }} as integer) as window_days
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- every rule-based model: its name, and the weight of a touch among those of its conversion -#}
{% macro weights_by_model(position, touch_count, seconds_to_conversion) -%}
    {{ return({
        'first_touch': 'case when ' ~ position ~ ' = 1 then 1 else 0 end',
        'last_touch': 'case when ' ~ position ~ ' = ' ~ touch_count ~ ' then 1 else 0 end',
        'linear': '1',
        'time_decay': time_decay_weight(seconds_to_conversion),
        'position_based': position_based_weight(position, touch_count),
    }) }}
{%- endmacro %}

{#- the rule-based models as rows -#}
{% macro attribution_models() -%}
    {%- for model in weights_by_model('', '', '') %}
    select '{{ model }}' as model
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the weight of a touch under a model; weights are made to add up to one later -#}
{% macro attribution_weight(model, position, touch_count, seconds_to_conversion) -%}
    {%- set weights = weights_by_model(position, touch_count, seconds_to_conversion) -%}
    case {{ model }}
        {%- for name, weight in weights.items() %}
        when '{{ name }}' then {{ weight }}
        {%- endfor %}
    end
{%- endmacro %}

{#- weight halves with every half-life between touch and conversion: continuous, no steps -#}
{% macro time_decay_weight(seconds_to_conversion) -%}
    power(
        {{ as_double('2') }},
        -{{ as_double(seconds_to_conversion) }} / {{ var('time_decay_half_life_days') * 86400 }}
    )
{%- endmacro %}

{#- 40 % first, 40 % last, 20 % shared by the middle; two touches half each, one touch all -#}
{% macro position_based_weight(touch_position, touch_count) -%}
    case
        when {{ touch_count }} = 1 then 1.0
        when {{ touch_count }} = 2 then 0.5
        when {{ touch_position }} in (1, {{ touch_count }}) then 0.4
        else {{ as_double('0.2') }} / ({{ touch_count }} - 2)
    end
{%- endmacro %}
