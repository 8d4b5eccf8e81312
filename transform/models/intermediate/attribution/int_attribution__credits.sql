with

paths as (

    select * from {{ ref('int_attribution__paths') }}

),

models as (
    {{ attribution_models() }}
),

weighted as (

    select
        paths.*,
        models.model,
        {{ attribution_weight(
            'models.model',
            'paths.touch_position',
            'paths.touch_count',
            'paths.seconds_to_conversion'
        ) }} as weight
    from paths
    cross join models

),

totalled as (

    select
        *,
        sum(weight) over (
            partition by conversion_id, window_days, model
            order by touch_position
            rows between unbounded preceding and current row
        ) as running_weight,
        sum(weight) over (partition by conversion_id, window_days, model) as total_weight
    from weighted
    where weight > 0

),

cumulated as (

    -- shares are rounded as running totals, so that they add up to one exactly
    select
        *,
        {{ round_half('running_weight / total_weight', 12) }} as cumulative_credit
    from totalled

),

credits as (

    select
        conversion_id,
        window_days,
        model,
        touchpoint_id,
        touch_position,
        touch_count,
        seconds_to_conversion,
        cast(
            cumulative_credit - lag(cumulative_credit, 1, 0) over (
                partition by conversion_id, window_days, model
                order by touch_position
            ) as decimal(18, 12)
        ) as credit,
        cumulative_credit
    from cumulated

)

select * from credits
