{#- the look-back windows as rows -#}
{% macro attribution_windows() -%}
    {%- do check_window_list() -%}
    {%- for days in var('attribution_windows_days') %}
    select cast({{ days }} as integer) as window_days
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the widest look-back window, days -#}
{% macro widest_window_days() -%}
    {%- do check_window_list() -%}
    {{ return(var('attribution_windows_days') | max) }}
{%- endmacro %}

{#- the rule-based models that a build makes, in the order of the known ones -#}
{% macro rule_models() -%}
    {%- do check_model_list() -%}
    {%- set chosen = {} -%}
    {%- for model, rule in known_rule_models().items() if model in var('attribution_models') -%}
        {%- do chosen.update({model: rule}) -%}
    {%- endfor -%}
    {{ return(chosen) }}
{%- endmacro %}

{#-
    every rule-based model. `one`: is this the touch that has all the credit; `shared`: the share of
    this touch and all before it, `before`: that of those before it alone, 0 to 1; `kinds`: of what
    touches it asks for the last one. The columns are those of int_attribution__credits
-#}
{% macro known_rule_models() -%}
    {%- do check_percents() -%}
    {{ return({
        'first_touch': {'one': 'touch_position = 1'},
        'last_touch': {'one': 'recency = 1'},
        'last_non_direct': {'one': last_of(['non_direct']), 'kinds': ['non_direct']},
        'last_paid': {'one': last_of(['paid', 'non_direct']), 'kinds': ['paid', 'non_direct']},
        'linear': {
            'shared': share('touch_position', 'touch_count'),
            'before': share('touch_position - 1', 'touch_count'),
        },
        'time_decay': {
            'shared': share('window_weight - later_weight', 'window_weight'),
            'before': share('window_weight - later_weight - touch_weight', 'window_weight'),
        },
        'position_based': position_shares('position_based'),
        'j_shaped': position_shares('j_shaped'),
        'inverse_j_shaped': position_shares('inverse_j_shaped'),
    }) }}
{%- endmacro %}

{#- the rule-based models as rows -#}
{% macro attribution_models() -%}
    {%- for model in rule_models() %}
    select '{{ model }}' as model
    {%- if not loop.last %} union all {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the touches of a conversion from its newest one to this one -#}
{% macro from_the_newest() -%}
    partition by conversion_id
            order by seconds_to_conversion asc, ga_session_number desc, touchpoint_id desc
            rows between unbounded preceding and current row
{%- endmacro %}

{#- the kinds of touches whose last one the chosen models look for -#}
{% macro touch_kinds() -%}
    {%- set kinds = [] -%}
    {%- for rule in rule_models().values() -%}{%- do kinds.extend(rule.get('kinds', [])) -%}{%- endfor -%}
    {{ return(kinds | unique | sort) }}
{%- endmacro %}

{#- a column of each of these kinds, whose name stands where KIND does, and a comma after it -#}
{% macro kind_columns(column) -%}
    {%- for kind in touch_kinds() %}
        {{ column | replace('KIND', kind) }},
    {%- endfor -%}
{%- endmacro %}

{#- is this the last touch of the first kind that the window has; else the last touch of all -#}
{% macro last_of(kinds) -%}
    case
        {%- for kind in kinds %}
        when seconds_since_{{ kind }} <= window_days * 86400 then is_last_{{ kind }}
        {%- endfor %}
        else recency = 1
    end
{%- endmacro %}

{#-
    weight halves with every half-life: continuous, no steps. In whole parts of 10^15, so that weights
    add up in any order to the same sum; the newest touch weighs one. After a hundred half-lives
    nothing is left of it, and PostgreSQL would stop at what no double can hold
-#}
{% macro time_decay_weight(seconds_to_newest) -%}
    {%- do check_half_life() -%}
    cast(
        floor(
            power(
                {{ as_double('2') }},
                -least(
                    {{ as_double(seconds_to_newest) }}
                    / {{ var('time_decay_half_life_days') * 86400 }},
                    1e2
                )
            ) * 1e15 + 0.5
        ) as bigint
    )
{%- endmacro %}

{#- so much for the first and the last touch, the rest for those between them alike; two touches are
    made to add up to one, one has all -#}
{% macro position_shares(model) -%}
    {%- set ends = var('position_percents')[model] -%}
    {{ return({
        'shared': 'case when recency = 1 then 1e0 else ' ~ position_share('shared', ends) ~ ' end',
        'before': 'case when touch_position = 1 then 0e0 else '
            ~ position_share('before', ends) ~ ' end',
    }) }}
{%- endmacro %}

{% macro position_share(side, ends) -%}
    {%- set middle = 100 - ends.first - ends.last -%}
    coalesce(
        ({{ ends.first }} + {{ middle }} * middle_{{ side }}) / 1e2,
        {{ share(ends.first, ends.first + ends.last) }}
    )
{%- endmacro %}

{#- of whole numbers, so that every engine finds the same -#}
{% macro share(numerator, denominator) -%}
    ({{ as_double(numerator) }} / {{ as_double(denominator) }})
{%- endmacro %}

{#- the shares of the models that share, as columns, and a comma after each: there may be none -#}
{% macro touch_shares() -%}
    {%- for model, rule in rule_models().items() if 'shared' in rule %}
        {{ rule.shared }} as {{ model }}_shared,
        {{ rule.before }} as {{ model }}_before,
    {%- endfor -%}
{%- endmacro %}

{% macro as_credit(value) -%}
    cast({{ value }} as {{ type_decimal(18, 12) }})
{%- endmacro %}

{#-
    credit and revenue of a touch under every model, as columns. Shares are rounded as running totals,
    credit to twelve decimals and revenue to cents, so that they add up to one and to the revenue
-#}
{% macro touch_credits() -%}
    {%- for model, rule in rule_models().items() %}
    {%- if 'one' in rule %}
        {{ as_credit('case when ' ~ rule.one ~ ' then 1 else 0 end') }} as {{ model }}_credit,
        cast(case when {{ rule.one }} then revenue_usd else 0 end as decimal(18, 2))
            as {{ model }}_revenue_usd
    {%- else %}
        {{ as_credit(
            '(floor(' ~ model ~ '_shared * 1e12 + 0.5) - floor(' ~ model ~ '_before * 1e12 + 0.5))'
            ~ ' / 1e12'
        ) }} as {{ model }}_credit,
        cast(
            revenue_sign * (
                floor(revenue_cents * {{ model }}_shared + 0.5)
                - floor(revenue_cents * {{ model }}_before + 0.5)
            ) / 1e2 as decimal(18, 2)
        ) as {{ model }}_revenue_usd
    {%- endif %}
        {%- if not loop.last %},{% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the same columns of a conversion without a touch: all of it, or nothing when it was refunded -#}
{% macro whole_credits() -%}
    {%- for model in rule_models() %}
        {{ as_credit('case when is_refunded then 0 else 1 end') }} as {{ model }}_credit,
        revenue_usd as {{ model }}_revenue_usd
        {%- if not loop.last %},{% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- how many touches of a conversion each window has, as columns -#}
{% macro window_counts() -%}
    {%- for days in var('attribution_windows_days') %}
        sum(case when seconds_to_conversion <= {{ days * 86400 }} then 1 else 0 end)
            over (partition by conversion_id) as touches_{{ days }}
        {%- if not loop.last %},{% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- how much they weigh, as columns -#}
{% macro window_weights() -%}
    {%- for days in var('attribution_windows_days') %}
        sum(
            case when seconds_to_conversion <= {{ days * 86400 }} then touch_weight else 0 end
        ) over (partition by conversion_id) as weight_{{ days }}
        {%- if not loop.last %},{% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the column of one of these that belongs to the window of a row -#}
{% macro of_window(prefix) -%}
    case windows.window_days
        {%- for days in var('attribution_windows_days') %}
        when {{ days }} then {{ prefix }}_{{ days }}
        {%- endfor %}
    end
{%- endmacro %}

{#- credits with what is known of their conversion and their touch -#}
{% macro named_credits() %}
    select
        credits.*,
        conversions.conversion_type,
        conversions.conversion_date,
        conversions.converted_at,
        case
            when credits.touch_position > 0 then touchpoints.channel
            when conversions.is_refunded then 'refunded'
            else 'unattributed'
        end as channel,
        touchpoints.platform,
        touchpoints.campaign_id,
        touchpoints.touch_date,
        touchpoints.touched_at
    from credits
    inner join conversions on credits.conversion_id = conversions.conversion_id
    left join touchpoints on credits.touchpoint_id = touchpoints.touchpoint_id
{%- endmacro %}

{#- credit and revenue of every model, summed, as columns -#}
{% macro summed_credits() -%}
    {%- for model in rule_models() %}
        sum({{ model }}_credit) as {{ model }}_credit,
        sum({{ model }}_revenue_usd) as {{ model }}_revenue_usd
        {%- if not loop.last %},{% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the same sums by day, once by the day of the conversion and once by that of the touch -#}
{% macro credits_by_day(columns) -%}
    {%- for day_kind, day in {
        'conversion': 'conversion_date', 'touch': 'coalesce(touch_date, conversion_date)'
    }.items() %}
    select
        '{{ day_kind }}' as day_kind,
        {{ day }} as day_date,
        {{ columns | join(', ') }},
        {{ summed_credits() }}
    from placed
    group by {{ day }}, {{ columns | join(', ') }}
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- and one row a model that has any -#}
{% macro day_credits_by_model(columns) -%}
    {%- for model in rule_models() %}
    select
        day_kind,
        day_date,
        {{ columns | join(', ') }},
        '{{ model }}' as model,
        cast({{ model }}_credit as {{ type_decimal(38, 12) }}) as credit,
        cast({{ model }}_revenue_usd as decimal(18, 2)) as revenue_usd
    from dated
    where {{ model }}_credit <> 0 or {{ model }}_revenue_usd <> 0
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the columns of the models as rows: one a model that gives credit -#}
{% macro credits_by_model() -%}
    {%- for model in rule_models() %}
    select
        conversion_id,
        '{{ model }}' as model,
        window_days,
        touch_position,
        touch_count,
        conversion_type,
        touchpoint_id,
        channel,
        platform,
        campaign_id,
        {{ model }}_credit as credit,
        {{ model }}_revenue_usd as revenue_usd,
        window_days = {{ own_window_days("'" ~ model ~ "'", 'conversion_type') }} as is_own_window,
        seconds_to_conversion,
        touch_date,
        touched_at,
        conversion_date,
        converted_at
    from touched
    where {{ model }}_credit <> 0 or touch_position = 0
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- the window in which a model reads a type of conversion, where it is asked for one number -#}
{% macro own_window_days(model, conversion_type) -%}
    {%- do check_own_windows() -%}
    {%- set own = var('attribution_own_windows') -%}
    {%- if own %}
    case
        {%- for rule in own | sort(attribute='window_days')
            if 'model' in rule and 'conversion_type' in rule %}
        when {{ model }} = '{{ rule.model }}' and {{ conversion_type }} = '{{ rule.conversion_type }}'
            then {{ rule.window_days }}
        {%- endfor %}
        {%- for rule in own if 'model' in rule and 'conversion_type' not in rule %}
        when {{ model }} = '{{ rule.model }}' then {{ rule.window_days }}
        {%- endfor %}
        {%- for rule in own if 'model' not in rule and 'conversion_type' in rule %}
        when {{ conversion_type }} = '{{ rule.conversion_type }}' then {{ rule.window_days }}
        {%- endfor %}
        else {{ var('default_attribution_window_days') }}
    end
    {%- else %}
    {{ var('default_attribution_window_days') }}
    {%- endif -%}
{%- endmacro %}

{#- what all credit depends on beside the data: when it changes, all of it is worked out again -#}
{% macro attribution_settings() -%}
    {%- set settings = [var('time_decay_half_life_days'), var('attribution_windows_days')] -%}
    {%- for model in rule_models() -%}
        {%- do settings.append([model, var('position_percents').get(model)]) -%}
    {%- endfor -%}
    {{ return(local_md5(settings | string)) }}
{%- endmacro %}

{#- the types of conversion that fct_conversions tells apart -#}
{% macro conversion_types() -%}
    {{ return(['first_order', 'repeat_order']) }}
{%- endmacro %}
