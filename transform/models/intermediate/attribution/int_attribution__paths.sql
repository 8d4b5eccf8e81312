with

conversions as (

    select * from {{ ref('fct_conversions') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

windows as (
    {{ attribution_windows() }}
),

reached as (

    select
        conversions.conversion_id,
        touchpoints.touchpoint_id,
        touchpoints.touched_at,
        touchpoints.ga_session_number,
        {{ seconds_between('touchpoints.touched_at', 'conversions.converted_at') }}
            as seconds_to_conversion
    from conversions
    inner join touchpoints
        on conversions.person_key = touchpoints.person_key
        and conversions.converted_at >= touchpoints.touched_at

),

eligible as (

    -- a touch exactly one window before the conversion still counts, one second more does not
    select
        reached.*,
        windows.window_days
    from reached
    inner join windows on reached.seconds_to_conversion <= windows.window_days * 86400

),

paths as (

    select
        conversion_id,
        window_days,
        touchpoint_id,
        cast(
            row_number() over (
                partition by conversion_id, window_days
                order by touched_at, ga_session_number, touchpoint_id
            ) as integer
        ) as touch_position,
        cast(
            count(*) over (partition by conversion_id, window_days) as integer
        ) as touch_count,
        {{ as_double('seconds_to_conversion') }} as seconds_to_conversion
    from eligible

)

select * from paths
