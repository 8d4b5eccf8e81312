{#-
    What an increment of int_attribution__credits works out anew. A conversion is looked at when it is
    new, when something of its own has changed, when the touches of its bucket of persons have changed
    that the last build had seen, or when it is younger than those. Of the ones looked at, those are
    worked out whose touches are not what they were. So a day's increment reads the touches once to sum
    them by bucket, and joins few.
    What a build has seen stands in a table of its own, which only hooks of that build write, before and
    after: it counts as long as the signatures of the credits add up to what was noted with it. Without
    it - after a build that was broken off, in a copy of the credits - every conversion is looked at.
-#}

{#- of so many buckets of persons, those with a changed touch are looked at -#}
{% macro person_buckets() -%}
    {{ return(4096) }}
{%- endmacro %}

{% macro person_bucket(person_key) -%}
    mod({{ hash_of([person_key]) }}, {{ person_buckets() }})
{%- endmacro %}

{% macro seen_touches() -%}
    {{ return(
        api.Relation.create(
            database=this.database, schema=this.schema, identifier='int_attribution__seen_touches',
            type='table'
        )
    ) }}
{%- endmacro %}

{#- a number for the credits as they stand; sums of many large ones want room -#}
{% macro sum_of_signatures() -%}
    coalesce(
        sum(
            cast(touch_signature as {{ type_decimal(38, 0) }})
            + cast(conversion_signature as {{ type_decimal(38, 0) }})
        ), 0
    )
{%- endmacro %}

{#- before a build: sums over the touches by bucket; over those that the last build had seen as well -#}
{% macro sum_seen_touches() %}
    select
        false as is_noted,
        bucket,
        max(max(touched_at)) over () as until_at,
        cast(sum(case when is_seen then touch_hash else 0 end) as {{ type_decimal(38, 0) }})
            as seen_sum,
        cast(sum(touch_hash) as {{ type_decimal(38, 0) }}) as touch_sum,
        cast(0 as {{ type_decimal(38, 0) }}) as signature_sum
    from (
        select
            touchpoints.touched_at,
            {{ person_bucket('touchpoints.person_key') }} as bucket,
            {{ hash_of([
                'touchpoints.touchpoint_id', 'touchpoints.person_key',
                'touchpoints.ga_session_number', 'touchpoints.channel', 'touchpoints.touched_at',
                'touchpoints.consent_window_days'
            ]) }} as touch_hash,
            touchpoints.touched_at <= noted.until_at as is_seen
        from {{ ref('fct_touchpoints') }} as touchpoints
        cross join ({{ caller() }}) as noted
    ) as touches
    group by bucket
{%- endmacro %}

{% macro make_seen_touches() -%}
    {%- if is_kept_incrementally() and not is_there(seen_touches()) %}
    create table {{ seen_touches() }} as
    select * from (
        {% call sum_seen_touches() %}select {{ long_ago() }} as until_at{% endcall %}
    ) as touches
    where 1 = 0
    {%- endif -%}
{%- endmacro %}

{% macro forget_unnoted_touches() -%}
    {%- if is_kept_incrementally() %}
    delete from {{ seen_touches() }} where not is_noted
    {%- endif -%}
{%- endmacro %}

{% macro see_touches() -%}
    {%- if is_kept_incrementally() %}
    insert into {{ seen_touches() }}
    {% call sum_seen_touches() -%}
            select coalesce(max(until_at), {{ long_ago() }}) as until_at
            from {{ seen_touches() }}
            where is_noted
    {%- endcall %}
    {%- endif -%}
{%- endmacro %}

{#- after a build: what it has seen takes the place of what the one before had; where a build is broken
    off in between, nothing has been seen -#}
{% macro forget_noted_touches() -%}
    {%- if is_kept_incrementally() %}
    delete from {{ seen_touches() }} where is_noted
    {%- endif -%}
{%- endmacro %}

{% macro note_seen_touches() -%}
    {%- if is_kept_incrementally() %}
    update {{ seen_touches() }}
    set
        is_noted = true,
        signature_sum = (select {{ sum_of_signatures() }} from {{ this }})
    {%- endif -%}
{%- endmacro %}

{#- conversions that are no more lose their credit too: an incremental run would keep it -#}
{% macro forget_missing_conversions() -%}
    {%- if is_kept_incrementally() %}
    delete from {{ this }}
    where conversion_id in (
        select known.conversion_id
        from {{ this }} as known
        left join {{ ref('fct_conversions') }} as conversions
            on known.conversion_id = conversions.conversion_id
        where known.touch_signature is not null and conversions.conversion_id is null
    )
    {%- endif -%}
{%- endmacro %}

{% macro is_kept_incrementally() -%}
    {{ return(model.config.materialized == 'incremental') }}
{%- endmacro %}

{% macro is_there(relation) -%}
    {{ return(
        adapter.get_relation(relation.database, relation.schema, relation.identifier) is not none
    ) }}
{%- endmacro %}

{% macro long_ago() -%}
    cast('1900-01-01 00:00:00' as timestamp)
{%- endmacro %}

{#- until when the last build had seen touches, in one row; long ago in a full run -#}
{% macro noted_touches(is_incremental) -%}
    {%- if is_incremental and is_there(seen_touches()) %}
    select coalesce(max(seen.until_at), {{ long_ago() }}) as until_at
    from {{ seen_touches() }} as seen
    where
        seen.is_noted
        and seen.signature_sum = (select {{ sum_of_signatures() }} from known)
    {%- else %}
    select {{ long_ago() }} as until_at
    {%- endif -%}
{%- endmacro %}

{#- buckets of persons one of whose touches, of those seen, is not what it was -#}
{% macro changed_buckets(is_incremental) -%}
    {%- if is_incremental and is_there(seen_touches()) %}
    select bucket
    from {{ seen_touches() }}
    group by bucket
    having sum(case when is_noted then touch_sum else -seen_sum end) <> 0
    {%- else %}
    select {{ person_bucket("'nobody'") }} as bucket
    where 1 = 0
    {%- endif -%}
{%- endmacro %}

{#- the signatures of the last run, one row a conversion; none in a full run -#}
{% macro known_signatures(is_incremental) -%}
    {%- if is_incremental %}
    select
        conversion_id,
        touch_signature,
        conversion_signature
    from {{ this }}
    where touch_signature is not null
    {%- else %}
    select
        conversion_id,
        cast(0 as bigint) as touch_signature,
        cast(0 as bigint) as conversion_signature
    from conversions
    where 1 = 0
    {%- endif -%}
{%- endmacro %}

{#- eighteen digits of it fit into a whole number everywhere -#}
{% macro signature_of(columns) -%}
    cast(mod({{ hash_of(columns) }}, 1000000000000000000) as bigint)
{%- endmacro %}

{#- a signature stands in one row of a conversion: of its last touch in the widest window, or of the
    row without one -#}
{% macro kept_signature(name, is_last='1 = 1') -%}
    case when window_days = {{ widest_window_days() }} and {{ is_last }} then {{ name }} end
        as {{ name }}
{%- endmacro %}

{#- what all credit depends on beside the data: when it changes, all of it is worked out again -#}
{% macro attribution_settings() -%}
    {%- set settings = [var('time_decay_half_life_days'), var('attribution_windows_days')] -%}
    {%- for model in rule_models() -%}
        {%- do settings.append([model, var('position_percents').get(model)]) -%}
    {%- endfor -%}
    {{ return(local_md5(settings | string)) }}
{%- endmacro %}
