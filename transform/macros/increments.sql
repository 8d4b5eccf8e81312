{#- the signature stands in one row of a conversion: of its last touch in the widest window, or of the
    row without one -#}
{% macro kept_signature(is_last='1 = 1') -%}
    case when window_days = {{ widest_window_days() }} and {{ is_last }} then signature end
{%- endmacro %}

{#- the signatures of the last run, one a conversion; none in a full run -#}
{% macro known_signatures(is_incremental) -%}
    {%- if is_incremental %}
    select
        conversion_id,
        signature
    from {{ this }}
    where signature is not null and touch_position >= 0
    {%- else %}
    select
        conversion_id,
        cast(0 as bigint) as signature
    from conversions
    where 1 = 0
    {%- endif -%}
{%- endmacro %}

{#- conversions that are no more lose their credit too: an incremental run would keep it -#}
{% macro forget_missing_conversions() -%}
    {%- if model.config.materialized == 'incremental' %}
    delete from {{ this }}
    where conversion_id in (
        select known.conversion_id
        from {{ this }} as known
        left join {{ ref('fct_conversions') }} as conversions
            on known.conversion_id = conversions.conversion_id
        where
            known.signature is not null
            and known.touch_position >= 0
            and conversions.conversion_id is null
    )
    {%- endif -%}
{%- endmacro %}

{#- of a group of rows: a number that changes when one of them does -#}
{% macro signature_of_rows(columns) -%}
    {{ as_signature('sum(' ~ hash_of(columns) ~ ')') }}
{%- endmacro %}

{#- a hash, or a sum of some, as a whole number that every engine keeps in 64 bits -#}
{% macro as_signature(value) -%}
    cast(mod({{ value }}, 1000000000000000000) as bigint)
{%- endmacro %}

{#-
    a number a day for all that its touches say, and one for all that its conversions say, the channels
    and the settings. Touches and conversions are read here once more: a CTE that two read would be kept
    whole. None for a table that is made anew in every run
-#}
{% macro day_signatures() -%}
    {%- if model.config.materialized == 'incremental' %}
    select
        'touches' as kind,
        cast(touched_at as date) as day_date,
        {{ signature_of_rows([
            'touchpoint_id', 'person_key', 'ga_session_number', 'channel', 'consent_window_days',
            'touched_at'
        ]) }} as signature
    from {{ ref('fct_touchpoints') }}
    -- a touch of no time comes before nothing, and a day without a name would be new in every run
    where touched_at is not null
    group by cast(touched_at as date)

    union all

    select
        'conversions' as kind,
        cast(converted_at as date) as day_date,
        {{ signature_of_rows([
            'conversion_id', 'person_key', 'is_refunded', 'revenue_usd', 'converted_at',
            'channel_signature', "'" ~ attribution_settings() ~ "'"
        ]) }} as signature
    from {{ ref('fct_conversions') }}
    cross join (
        select {{ signature_of_rows(['channel', 'is_paid']) }} as channel_signature
        from {{ ref('dim_channels') }}
    ) as all_channels
    group by cast(converted_at as date)
    {%- else -%}
    {{ no_days() }}
    {%- endif -%}
{%- endmacro %}

{#- those of the last run, which stand beside the credits: touch_position -1; none in a full run -#}
{% macro known_days(is_incremental) -%}
    {%- if is_incremental %}
    select
        {{ text_part('conversion_id', ' ', 2) }} as kind,
        cast({{ text_part('conversion_id', ' ', 1) }} as date) as day_date,
        signature
    from {{ this }}
    where touch_position = -1
    {%- else -%}
    {{ no_days() }}
    {%- endif -%}
{%- endmacro %}

{% macro no_days() %}
    select
        {{ as_text('null') }} as kind,
        cast(null as date) as day_date,
        cast(0 as bigint) as signature
    from conversions
    where 1 = 0
{%- endmacro %}

{#- conversions of a day that has changed, or that has a changed day of touches in the widest window
    before it; all of them in a full run. Whether one has changed itself, its signature says -#}
{% macro conversions_to_compare(is_incremental) %}
    select conversions.*
    from conversions
    {%- if is_incremental %}
    where cast(conversions.converted_at as date) in (
        select days.day_date
        from days
        inner join changed_days
            on (changed_days.kind = 'conversions' and days.day_date = changed_days.day_date)
            or (
                changed_days.kind = 'touches'
                and days.day_date >= changed_days.day_date
                and days.day_date
                <= {{ days_after('changed_days.day_date', widest_window_days()) }}
            )
        where days.kind = 'conversions'
    )
    {%- endif -%}
{%- endmacro %}

{#- no credit under any model, as columns -#}
{% macro no_credits() -%}
    {%- for model in rule_models() %}
        {{ as_credit('0') }} as {{ model }}_credit,
        cast(0 as decimal(18, 2)) as {{ model }}_revenue_usd
        {%- if not loop.last %},{% endif -%}
    {%- endfor -%}
{%- endmacro %}
