with

conversions as (

    select * from {{ ref('fct_conversions') }}

),

credits as (

    select * from {{ ref('int_attribution__credits') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

windows as (
    {{ attribution_windows() }}
),

models as (
    {{ attribution_models() }}
),

attributed as (

    -- revenue is rounded as a running total too: every conversion keeps its cents
    select
        credits.conversion_id,
        credits.model,
        credits.window_days,
        credits.touch_position,
        credits.touch_count,
        credits.touchpoint_id,
        touchpoints.channel,
        touchpoints.platform,
        touchpoints.campaign_id,
        credits.credit,
        cast(
            round(conversions.revenue_usd * credits.cumulative_credit, 2)
            - round(conversions.revenue_usd * (credits.cumulative_credit - credits.credit), 2)
            as decimal(18, 2)
        ) as revenue_usd,
        credits.seconds_to_conversion,
        touchpoints.touch_date,
        touchpoints.touched_at,
        conversions.conversion_date,
        conversions.converted_at
    from credits
    inner join conversions on credits.conversion_id = conversions.conversion_id
    inner join touchpoints on credits.touchpoint_id = touchpoints.touchpoint_id

),

reached as (

    select distinct
        conversion_id,
        window_days
    from credits

),

unattributed as (

    select
        conversions.conversion_id,
        models.model,
        windows.window_days,
        cast(0 as integer) as touch_position,
        cast(0 as integer) as touch_count,
        {{ as_text('null') }} as touchpoint_id,
        'unattributed' as channel,
        {{ as_text('null') }} as platform,
        {{ as_text('null') }} as campaign_id,
        cast(1 as decimal(18, 12)) as credit,
        conversions.revenue_usd,
        {{ as_double('null') }} as seconds_to_conversion,
        cast(null as date) as touch_date,
        cast(null as timestamp) as touched_at,
        conversions.conversion_date,
        conversions.converted_at
    from conversions
    cross join windows
    cross join models
    left join reached
        on conversions.conversion_id = reached.conversion_id
        and windows.window_days = reached.window_days
    where reached.conversion_id is null

),

united as (

    select * from attributed

    union all

    select * from unattributed

)

select * from united
