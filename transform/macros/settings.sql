{#- refuse settings that would give wrong numbers, before anything is built: also when the project is
    parsed, after its models and before the files beside them -#}
{% macro check_settings() -%}
    {%- do check_names() -%}
    {%- do check_platforms() -%}
    {%- do check_windows() -%}
    {%- do check_models() -%}
    {%- do check_chains() -%}
    {%- do check_places() -%}
    {%- for name in whole_settings() -%}
        {%- do whole_setting(name) -%}
    {%- endfor -%}
    {%- do check_value() -%}
{%- endmacro %}

{#- stop with what was given and what is valid -#}
{% macro refuse_setting(name, valid) -%}
    {%- set value = var(name) -%}
    {#- json has no dates, and the filter of that name sorts keys, of which some may be numbers -#}
    {%- set given = value if 'datetime' in value | pprint else tojson(value) -%}
    {%- do exceptions.raise_compiler_error(
        'the variable ' ~ name ~ ' is ' ~ given ~ '; valid: ' ~ valid
        ~ ' (dbt_project.yml, or --vars)'
    ) -%}
{%- endmacro %}

{% macro is_above_zero(value) -%}
    {{ return(value is number and value is not boolean and value > 0) }}
{%- endmacro %}

{% macro is_whole(value, least, most) -%}
    {{ return(value is integer and value is not boolean and value >= least and value <= most) }}
{%- endmacro %}

{% macro is_list(value) -%}
    {{ return(value is sequence and value is not string and value is not mapping) }}
{%- endmacro %}

{#- a name of SQL, as it stands -#}
{% macro is_name(value) -%}
    {{ return(value is string and modules.re.fullmatch('[A-Za-z_]\\w*', value) is not none) }}
{%- endmacro %}

{#- settings that are whole numbers, from the least to the most -#}
{% macro whole_settings() -%}
    {{ return({
        'ad_fatigue_days': [1, 36500],
        'behaviour_first_sessions': [1, 1000000],
        'behaviour_horizon_days': [1, 3650],
        'email_frequency_most': [1, 1000],
        'exchange_rate_days': [1, 36500],
        'flow_uplift_days': [1, 3650],
        'hold_out_settling_days': [0, 3650],
        'identity_reach_days': [1, 3650],
        'machine_click_delivery_seconds': [0, 31536000],
        'machine_click_links': [1, 1000000],
        'machine_click_seconds': [0, 31536000],
        'machine_open_percent': [1, 100],
        'machine_open_seconds': [0, 31536000],
        'max_persons_per_device': [1, 1000000],
        'max_touches_per_person': [1, 1000000],
        'minimum_cell_customers': [1, 1000000],
        'response_curve_min_weeks': [5, 5200],
        'rfm_history_months': [1, 1200],
        'shapley_max_players': [1, 16],
    }) }}
{%- endmacro %}

{#- one of them, checked: also when models are parsed -#}
{% macro whole_setting(name) -%}
    {%- set least, most = whole_settings()[name] -%}
    {%- if not is_whole(var(name), least, most) -%}
        {%- do refuse_setting(name, 'a whole number from ' ~ least ~ ' to ' ~ most) -%}
    {%- endif -%}
    {{ return(var(name)) }}
{%- endmacro %}

{#- maps of names: of places by engine, schema or table, and of types by engine -#}
{% macro check_names() -%}
    {%- for name in ['raw_databases', 'raw_schemas', 'raw_tables', 'text_types', 'double_types'] -%}
        {%- do check_map_of_names(name) -%}
    {%- endfor -%}
    {%- if execute and graph.sources -%}
        {%- do check_raw_names() -%}
    {%- endif -%}
{%- endmacro %}

{#- a place for a table that nobody reads is a slip: the one that was meant would be read elsewhere -#}
{% macro check_raw_names() -%}
    {%- set schemas, tables = [], [] -%}
    {%- for read in graph.sources.values() if read.package_name == 'marketing' -%}
        {%- do schemas.append(read.source_name) -%}
        {%- do tables.append(read.source_name ~ '.' ~ read.name) -%}
    {%- endfor -%}
    {%- for key in var('raw_schemas') if key not in schemas -%}
        {%- do refuse_setting(
            'raw_schemas', 'some of ' ~ schemas | unique | sort | join(', ') ~ '; ' ~ key ~ ' is none'
        ) -%}
    {%- endfor -%}
    {%- for key in var('raw_tables') if key not in tables -%}
        {%- do refuse_setting(
            'raw_tables', 'tables of docs/input-tables.md, such as shop.orders; ' ~ key ~ ' is none'
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{#- also when models are parsed -#}
{% macro check_map_of_names(name) -%}
    {%- set names = var(name) -%}
    {%- set valid = 'a map of names, such as {shop: sales}; {} for none' -%}
    {%- if names is not mapping -%}
        {%- do refuse_setting(name, valid) -%}
    {%- endif -%}
    {%- for key, value in names.items()
        if key is not string or not (value is string and value | trim
            or value is none and name == 'raw_databases') -%}
        {%- do refuse_setting(name, valid) -%}
    {%- endfor -%}
{%- endmacro %}

{#- also when models are parsed -#}
{% macro check_platform_list() -%}
    {%- set platforms = var('platforms') -%}
    {%- if not is_list(platforms) or platforms | reject('mapping') | list
        or platforms | map(attribute='name') | reject('string') | list
        or platforms | selectattr('days', 'defined') | rejectattr('days', 'string') | list -%}
        {%- do refuse_setting('platforms', 'a list of {name, channel, ...}, all texts') -%}
    {%- endif -%}
{%- endmacro %}

{#- unit tests name fewer columns, so that this is for whole runs -#}
{% macro check_platforms() -%}
    {%- do check_platform_list() -%}
    {%- set platforms = var('platforms') -%}
    {%- for platform in platforms -%}
        {%- do check_platform(platform) -%}
    {%- endfor -%}
    {%- if platforms | map(attribute='name') | unique | list | length < platforms | length
        or not platforms | selectattr('days', 'defined') | list -%}
        {%- do refuse_setting('platforms', 'rows with each name once, one with days at least') -%}
    {%- endif -%}
{%- endmacro %}

{#- what a platform must tell, by what it tells -#}
{% macro check_platform(platform) -%}
    {%- set needed = ['name', 'channel'] -%}
    {%- if 'days' in platform -%}
        {%- do needed.extend(['accounts', 'campaign_kind', 'finest', 'raw_spend']) -%}
    {%- endif -%}
    {%- if 'ad_days' in platform %}{% do needed.extend(['days', 'ad']) %}{% endif -%}
    {%- if 'clicks' in platform %}{% do needed.append('click_id') %}{% endif -%}
    {%- set known = ['name', 'channel', 'accounts', 'campaign_kind', 'history', 'days', 'finest',
        'raw_spend', 'raw_spend_is_micros', 'ad_days', 'ad', 'ad_group', 'reach', 'clicks',
        'click_id'] -%}
    {%- set missing = needed | reject('in', platform) | list -%}
    {%- set unknown = platform.keys() | reject('in', known) | list -%}
    {%- if missing or unknown -%}
        {%- do refuse_setting(
            'platforms', 'rows that hold ' ~ needed | join(', ') ~ ' and know ' ~ known | join(', ')
            ~ '; ' ~ platform.name ~ ' lacks or has ' ~ (missing + unknown) | join(', ')
        ) -%}
    {%- endif -%}
    {%- for key, value in platform.items() if not (
        (value is boolean) == (key == 'raw_spend_is_micros')
        and (value is boolean or is_name(value))) -%}
        {%- do refuse_setting(
            'platforms', 'names of letters, digits and _, true or false for raw_spend_is_micros; '
            ~ key ~ ' of ' ~ platform.name ~ ' is none'
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{#- also when models are parsed, which is before a run starts -#}
{% macro check_window_list() -%}
    {%- set windows = var('attribution_windows_days') -%}
    {%- set days = 'whole days from 1 to 3650, each once, such as [7, 30]' -%}
    {%- if not is_list(windows) or not windows -%}
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
    {%- if not is_whole(var('default_attribution_window_days'), 1, 3650)
        or var('default_attribution_window_days') not in windows -%}
        {%- do refuse_setting(
            'default_attribution_window_days', 'one of attribution_windows_days, ' ~ windows
        ) -%}
    {%- endif -%}
    {%- do check_path_windows() -%}
    {%- do check_consent_windows() -%}
    {%- do check_half_life() -%}
{%- endmacro %}

{#- also when models are parsed -#}
{% macro check_consent_windows() -%}
    {%- set windows = var('consent_windows_days') -%}
    {%- set valid = 'a map of marketing and profiling to whole days from 1 to 3650, or null' -%}
    {%- if windows is not mapping
        or windows.keys() | reject('in', ['marketing', 'profiling']) | list -%}
        {%- do refuse_setting('consent_windows_days', valid) -%}
    {%- endif -%}
    {%- for days in windows.values() if not (days is none or is_whole(days, 1, 3650)) -%}
        {%- do refuse_setting('consent_windows_days', valid) -%}
    {%- endfor -%}
{%- endmacro %}

{#- also when models are parsed -#}
{% macro check_path_windows() -%}
    {%- set paths = var('path_windows_days') -%}
    {%- set windows = var('attribution_windows_days') -%}
    {%- if not is_list(paths) or not paths
        or paths | reject('integer') | list or paths | select('boolean') | list
        or paths | reject('in', windows) | list
        or paths | unique | list | length < paths | length -%}
        {%- do refuse_setting(
            'path_windows_days', 'some of attribution_windows_days, ' ~ windows ~ ', each once'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- also when models are parsed -#}
{% macro check_half_life() -%}
    {%- set days = var('time_decay_half_life_days') -%}
    {%- if not is_above_zero(days) or days > 36500 -%}
        {%- do refuse_setting('time_decay_half_life_days', 'days above zero, at most 36500') -%}
    {%- endif -%}
{%- endmacro %}

{#- also when models are parsed, which is before a run starts -#}
{% macro check_model_list() -%}
    {%- set models = var('attribution_models') -%}
    {%- set known = known_rule_models().keys() | list -%}
    {%- if not is_list(models) or not models
        or models | reject('in', known) | list
        or models | unique | list | length < models | length -%}
        {%- do refuse_setting('attribution_models', 'some of ' ~ known | join(', ') ~ ', each once') -%}
    {%- endif -%}
{%- endmacro %}

{% macro check_models() -%}
    {%- do check_percents() -%}
    {%- set models = rule_models().keys() | list -%}
    {%- if var('default_attribution_model') not in models -%}
        {%- do refuse_setting('default_attribution_model', 'one of attribution_models, ' ~ models | join(', ')) -%}
    {%- endif -%}
    {%- do check_own_windows() -%}
{%- endmacro %}

{#- also when models are parsed -#}
{% macro check_own_windows() -%}
    {%- set models = rule_models().keys() | list -%}
    {%- set rules = var('attribution_own_windows') -%}
    {%- set valid = 'a list of {model and/or conversion_type, window_days}; models '
        ~ models | join(', ') ~ '; types ' ~ conversion_types() | join(', ')
        ~ '; window_days of attribution_windows_days; each model and type once' -%}
    {%- set seen = [] -%}
    {%- if not is_list(rules) or rules | reject('mapping') | list -%}
        {%- do refuse_setting('attribution_own_windows', valid) -%}
    {%- endif -%}
    {%- for rule in rules
        if (rule.keys() | reject('in', ['model', 'conversion_type', 'window_days']) | list)
        or rule | length < 2
        or not is_whole(rule.window_days, 1, 3650)
        or rule.window_days not in var('attribution_windows_days')
        or rule.get('model', models[0]) not in models
        or rule.get('conversion_type', 'first_order') not in conversion_types() -%}
        {%- do refuse_setting('attribution_own_windows', valid) -%}
    {%- endfor -%}
    {%- for rule in rules -%}
        {%- set place = [rule.get('model'), rule.get('conversion_type')] -%}
        {%- if place in seen -%}
            {%- do refuse_setting('attribution_own_windows', valid) -%}
        {%- endif -%}
        {%- do seen.append(place) -%}
    {%- endfor -%}
{%- endmacro %}

{#- also when models are parsed, which is before a run starts -#}
{% macro check_percents() -%}
    {%- set models = ['position_based', 'j_shaped', 'inverse_j_shaped'] -%}
    {%- set given = var('position_percents') -%}
    {%- set valid = 'all of position_based, j_shaped and inverse_j_shaped, each with first and last '
        ~ 'from 0 to 100, together above 0 and at most 100' -%}
    {%- if given is not mapping or given | length != 3 or models | reject('in', given) | list
        or given.values() | reject('mapping') | list -%}
        {%- do refuse_setting('position_percents', valid) -%}
    {%- endif -%}
    {%- for ends in given.values() -%}
        {%- for end in [ends.first, ends.last]
            if end is not number or end is boolean or not (end >= 0 and end <= 100) -%}
            {%- do refuse_setting('position_percents', valid) -%}
        {%- endfor -%}
        {%- if ends | length != 2 or ends.first + ends.last > 100 or ends.first + ends.last == 0 -%}
            {%- do refuse_setting('position_percents', valid) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- chains of Markov; also when models are parsed -#}
{% macro check_chains() -%}
    {%- set orders = var('markov_orders') -%}
    {%- set valid = 'a map of channel and campaign to lists of 1, 2 and 3, each once; channel with 1, '
        ~ 'the chain of the Shapley value' -%}
    {%- if orders is not mapping or orders.keys() | reject('in', path_levels()) | list
        or not is_list(orders.channel) or 1 not in orders.channel -%}
        {%- do refuse_setting('markov_orders', valid) -%}
    {%- endif -%}
    {%- for given in orders.values()
        if not is_list(given) or given | reject('integer') | list or given | select('boolean') | list
        or given | reject('in', [1, 2, 3]) | list
        or given | unique | list | length < given | length -%}
        {%- do refuse_setting('markov_orders', valid) -%}
    {%- endfor -%}
    {%- if not is_whole(var('markov_steps'), 8, 1024) or var('markov_steps') % 8 -%}
        {%- do refuse_setting('markov_steps', 'a whole number of steps to 1024 that 8 divides') -%}
    {%- endif -%}
{%- endmacro %}

{#- what the rest of the project is told by its variables -#}
{% macro check_places() -%}
    {%- if not modules.re.fullmatch('[A-Z]{3}', var('reporting_currency') | string) -%}
        {%- do refuse_setting('reporting_currency', 'a code of ISO 4217, such as USD') -%}
    {%- endif -%}
    {%- if var('as_of_date') not in ['', none] and not is_date(var('as_of_date') | string) -%}
        {%- do refuse_setting('as_of_date', 'a date YYYY-MM-DD, or nothing for the latest of the data') -%}
    {%- endif -%}
    {%- if var('rfm_scoring') not in ['thresholds', 'quantiles'] -%}
        {%- do refuse_setting('rfm_scoring', 'thresholds or quantiles') -%}
    {%- endif -%}
{%- endmacro %}

{#- a day that the calendar has, of the years 1900 to 2999 -#}
{% macro is_date(text) -%}
    {%- set found = modules.re.fullmatch('((?:19|2\d)\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])', text) -%}
    {%- if not found -%}{{ return(false) }}{%- endif -%}
    {%- set year, month, day = found.groups() | map('int') | list -%}
    {%- set next_month = modules.datetime.date(year + month // 12, month % 12 + 1, 1) -%}
    {{ return(day <= (next_month - modules.datetime.timedelta(days=1)).day) }}
{%- endmacro %}

{#- what lifetime value is told -#}
{% macro check_value() -%}
    {%- if not is_whole(var('ltv_hold_out_days'), horizons_days()[0], 36500) -%}
        {%- do refuse_setting(
            'ltv_hold_out_days', 'whole days from the shortest horizon on, ' ~ horizons_days()[0]
        ) -%}
    {%- endif -%}
    {%- if not is_above_zero(var('ltv_margin')) or var('ltv_margin') > 1 -%}
        {%- do refuse_setting('ltv_margin', 'a share of revenue above 0, at most 1') -%}
    {%- endif -%}
    {%- set rate = var('ltv_discount_rate') -%}
    {%- if rate is not number or rate is boolean or not (rate >= 0 and rate <= 1) -%}
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
