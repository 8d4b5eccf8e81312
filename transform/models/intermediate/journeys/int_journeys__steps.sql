with

conversions as (

    select * from {{ ref('fct_conversions') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

credits as (

    select * from {{ ref('int_attribution__credits') }}

),

windows as (
    {{ path_windows() }}
),

paths as (

    select
        credits.window_days,
        credits.conversion_id,
        credits.touch_position,
        credits.touch_count,
        credits.touchpoint_id,
        credits.seconds_to_conversion
    from credits
    inner join windows on credits.window_days = windows.window_days

),

converted as (

    select
        paths.window_days,
        paths.conversion_id as journey_id,
        true as is_converted,
        conversions.conversion_type as journey_type,
        paths.touch_position as step,
        paths.touch_count as journey_steps,
        touchpoints.channel,
        touchpoints.platform,
        touchpoints.campaign_id,
        conversions.revenue_usd,
        paths.seconds_to_conversion
    from paths
    inner join conversions on paths.conversion_id = conversions.conversion_id
    inner join touchpoints on paths.touchpoint_id = touchpoints.touchpoint_id

),

reached as (

    select distinct
        window_days,
        touchpoint_id
    from paths

),

first_conversions as (

    select
        person_key,
        min(converted_at) as first_converted_at
    from conversions
    group by person_key

),

idle as (

    -- touches that lead to no conversion of the window, with the one before
    select
        windows.window_days,
        touchpoints.*,
        lag(touchpoints.touched_at) over (
            partition by windows.window_days, touchpoints.person_key
            order by
                touchpoints.touched_at, touchpoints.ga_session_number, touchpoints.touchpoint_id
        ) as previous_touched_at
    from touchpoints
    cross join windows
    left join reached
        on touchpoints.touchpoint_id = reached.touchpoint_id
        and windows.window_days = reached.window_days
    where reached.touchpoint_id is null

),

numbered as (

    -- a gap longer than the window, or than consent lets it be, ends a journey. A conversion
    -- between two such touches makes one: the earlier touch lies more than that before it. A
    -- refunded one does not
    select
        *,
        sum(
            case
                when {{ seconds_between('previous_touched_at', 'touched_at') }}
                    <= case
                        when consent_window_days < window_days then consent_window_days
                        else window_days
                    end * 86400
                    then 0
                else 1
            end
        ) over (
            partition by window_days, person_key
            order by touched_at, ga_session_number, touchpoint_id
            rows between unbounded preceding and current row
        ) as journey_number
    from idle

),

begun as (

    select
        *,
        min(touched_at) over (partition by window_days, person_key, journey_number) as begun_at
    from numbered

),

not_converted as (

    -- what it would have been when it began: a first order, after the person's first a repeat order
    select
        begun.window_days,
        begun.person_key || ':' || {{ as_text('begun.journey_number') }} as journey_id,
        false as is_converted,
        case
            when begun.begun_at > first_conversions.first_converted_at then 'repeat_order'
            else 'first_order'
        end as journey_type,
        cast(
            row_number() over (
                partition by begun.window_days, begun.person_key, begun.journey_number
                order by begun.touched_at, begun.ga_session_number, begun.touchpoint_id
            ) as integer
        ) as step,
        cast(
            count(*) over (
                partition by begun.window_days, begun.person_key, begun.journey_number
            ) as integer
        ) as journey_steps,
        begun.channel,
        begun.platform,
        begun.campaign_id,
        cast(null as decimal(18, 2)) as revenue_usd,
        {{ as_double('null') }} as seconds_to_conversion
    from begun
    left join first_conversions on begun.person_key = first_conversions.person_key

),

steps as (

    select * from converted

    union all

    select * from not_converted

)

select * from steps
