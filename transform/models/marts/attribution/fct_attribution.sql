with

credits as (

    select * from {{ ref('int_attribution__credits') }}

),

{% for model in rule_models() -%}
by_{{ model }} as (

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
    from credits
    where {{ model }}_credit <> 0 or touch_position = 0

),

{% endfor -%}
united as (
    {% for model in rule_models() %}
    select * from by_{{ model }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

)

select * from united
