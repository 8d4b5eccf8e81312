{#- refuse settings that would give wrong numbers, before anything is built -#}
{% macro check_settings() -%}
    {%- if execute -%}
        {%- do check_windows() -%}
        {%- do check_models() -%}
        {%- do check_places() -%}
        {%- do check_value() -%}
    {%- endif -%}
{%- endmacro %}

{#- stop with what was given and what is valid -#}
{% macro refuse_setting(name, valid) -%}
    {%- do exceptions.raise_compiler_error(
        'the variable ' ~ name ~ ' is ' ~ (var(name) | tojson) ~ '; valid: ' ~ valid
        ~ ' (dbt_project.yml, or --vars)'
    ) -%}
{%- endmacro %}

{% macro is_above_zero(value) -%}
    {{ return(value is number and value is not boolean and value > 0) }}
{%- endmacro %}

{#- also when models are parsed, which is before a run starts -#}
{% macro check_window_list() -%}
    {%- set windows = var('attribution_windows_days') -%}
    {%- set days = 'whole days from 1 to 3650, each once, such as [7, 30]' -%}
    {%- if windows is string or windows is mapping or windows is not sequence or not windows -%}
        {%- do refuse_setting('attribution_windows_days', days) -%}
    {%- endif -%}
    {%- for window in windows
        if window is not integer or window is boolean or window < 1 or window > 3650 -%}
        {%- do refuse_setting('attribution_windows_days', days) -%}
    {%- endfor -%}
    {%- if windows | unique | list | length < windows | length -%}
        {%- do refuse_setting('attribution_windows_days', days) -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_windows() -%}
    {%- do check_window_list() -%}
    {%- set windows = var('attribution_windows_days') -%}
    {%- if var('default_attribution_window_days') not in windows -%}
        {%- do refuse_setting(
            'default_attribution_window_days', 'one of attribution_windows_days, ' ~ windows
        ) -%}
    {%- endif -%}
    {%- set paths = var('path_windows_days') -%}
    {%- if paths is string or paths is mapping or paths is not sequence or not paths
        or paths | unique | list | length < paths | length
        or paths | reject('in', windows) | list -%}
        {%- do refuse_setting(
            'path_windows_days', 'some of attribution_windows_days, ' ~ windows ~ ', each once'
        ) -%}
    {%- endif -%}
    {%- if not is_above_zero(var('time_decay_half_life_days')) -%}
        {%- do refuse_setting('time_decay_half_life_days', 'days above zero') -%}
    {%- endif -%}
{%- endmacro %}

{#- also when models are parsed, which is before a run starts -#}
{% macro check_model_list() -%}
    {%- set models = var('attribution_models') -%}
    {%- set known = known_rule_models().keys() | list -%}
    {%- if models is string or models is mapping or models is not sequence or not models
        or models | unique | list | length < models | length
        or models | reject('in', known) | list -%}
        {%- do refuse_setting('attribution_models', 'some of ' ~ known | join(', ') ~ ', each once') -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_models() -%}
    {%- do check_percents() -%}
    {%- set models = rule_models().keys() | list -%}
    {%- if var('default_attribution_model') not in models -%}
        {%- do refuse_setting('default_attribution_model', 'one of attribution_models, ' ~ models | join(', ')) -%}
    {%- endif -%}
    {%- for rule in var('attribution_own_windows') -%}
        {%- if (rule.keys() | reject('in', ['model', 'conversion_type', 'window_days']) | list)
            or rule | length < 2
            or rule.window_days not in var('attribution_windows_days')
            or rule.get('model', models[0]) not in models
            or rule.get('conversion_type', 'first_order') not in conversion_types() -%}
            {%- do refuse_setting(
                'attribution_own_windows',
                'a list of {model and/or conversion_type, window_days}; models '
                ~ models | join(', ') ~ '; types ' ~ conversion_types() | join(', ')
                ~ '; window_days of attribution_windows_days'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- also when models are parsed, which is before a run starts -#}
{% macro check_percents() -%}
    {%- set percents = '0 to 100 for first and last of each, together above 0 and at most 100' -%}
    {%- for model in ['position_based', 'j_shaped', 'inverse_j_shaped'] -%}
        {%- set ends = var('position_percents').get(model) or {} -%}
        {%- for end in [ends.first, ends.last]
            if end is not number or end is boolean or end < 0 or end > 100 -%}
            {%- do refuse_setting('position_percents', percents) -%}
        {%- endfor -%}
        {%- if ends.first + ends.last > 100 or ends.first + ends.last == 0 -%}
            {%- do refuse_setting('position_percents', percents) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- what the rest of the project is told by its variables -#}
{% macro check_places() -%}
    {%- if not modules.re.fullmatch('[A-Z]{3}', var('reporting_currency') | string) -%}
        {%- do refuse_setting('reporting_currency', 'a code of ISO 4217, such as USD') -%}
    {%- endif -%}
    {%- if var('as_of_date')
        and not modules.re.fullmatch('\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])', var('as_of_date') | string) -%}
        {%- do refuse_setting('as_of_date', 'a date YYYY-MM-DD, or nothing for the latest of the data') -%}
    {%- endif -%}
    {%- set weeks = var('response_curve_min_weeks') -%}
    {%- if weeks is not integer or weeks is boolean or weeks < 5 -%}
        {%- do refuse_setting('response_curve_min_weeks', 'a whole number of weeks from 5 on') -%}
    {%- endif -%}
    {%- if var('rfm_scoring') not in ['thresholds', 'quantiles'] -%}
        {%- do refuse_setting('rfm_scoring', 'thresholds or quantiles') -%}
    {%- endif -%}
    {%- for name in [
        'ad_fatigue_days', 'exchange_rate_days', 'identity_reach_days', 'max_persons_per_device',
        'max_touches_per_person', 'rfm_history_months'
    ] if var(name) is not integer or var(name) is boolean or var(name) < 1 -%}
        {%- do refuse_setting(name, 'a whole number above zero') -%}
    {%- endfor -%}
{%- endmacro %}

{#- what lifetime value is told -#}
{% macro check_value() -%}
    {%- set days = var('ltv_hold_out_days') -%}
    {%- if days is not integer or days is boolean or days < horizons_days()[0] -%}
        {%- do refuse_setting(
            'ltv_hold_out_days', 'whole days from the shortest horizon on, ' ~ horizons_days()[0]
        ) -%}
    {%- endif -%}
    {%- set terms = var('ltv_series_terms') -%}
    {%- if terms is not integer or terms is boolean or terms < 20 or terms > 120
        or terms % 10 -%}
        {%- do refuse_setting('ltv_series_terms', '20, 30, 40 and so on to 120') -%}
    {%- endif -%}
    {%- if not is_above_zero(var('ltv_margin')) or var('ltv_margin') > 1 -%}
        {%- do refuse_setting('ltv_margin', 'a share of revenue above 0, at most 1') -%}
    {%- endif -%}
    {%- set rate = var('ltv_discount_rate') -%}
    {%- if rate is not number or rate is boolean or rate < 0 or rate > 1 -%}
        {%- do refuse_setting('ltv_discount_rate', 'a share a year from 0 to 1, such as 0.1') -%}
    {%- endif -%}
{%- endmacro %}

{#- the staging model of the shop's tables: orders_source says which shop -#}
{% macro orders_model(table) -%}
    {%- if var('orders_source') not in ['shop', 'shopify'] -%}
        {%- do refuse_setting('orders_source', 'shop or shopify') -%}
    {%- endif -%}
    {{ return('stg_' ~ var('orders_source') ~ '__' ~ table) }}
{%- endmacro %}
