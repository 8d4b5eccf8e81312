with

predictive as (

    select * from {{ ref('predictive_segments') }}

),

lookalikes as (

    select * from {{ ref('lookalike_audiences') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

defined as (

    select
        segment_name,
        goal,
        horizon_days,
        active_days,
        least_purchases,
        top_share,
        {{ as_text('null') }} as rfm_segment,
        member_share
    from predictive

    union all

    select
        audience_name as segment_name,
        'lookalike' as goal,
        horizon_days,
        cast(null as integer) as active_days,
        1 as least_purchases,
        top_share,
        rfm_segment,
        candidate_share as member_share
    from lookalikes

),

roles as (

    select
        'train' as cut_off_role,
        2 as horizons_ago

    union all

    select
        'judge' as cut_off_role,
        1 as horizons_ago

    union all

    select
        'current' as cut_off_role,
        0 as horizons_ago

),

aged as (

    -- what comes of a day is known a horizon later
    select
        defined.*,
        roles.cut_off_role,
        roles.horizons_ago
    from defined
    cross join roles

),

cut_offs as (

    select
        aged.segment_name,
        aged.cut_off_role,
        aged.goal,
        aged.horizon_days,
        aged.active_days,
        aged.least_purchases,
        aged.top_share,
        aged.rfm_segment,
        aged.member_share,
        aged.goal || ' ' || {{ as_text('aged.horizon_days') }}
        || ' ' || coalesce({{ as_text('aged.active_days') }}, '-')
        || ' ' || {{ as_text('aged.least_purchases') }}
        || ' ' || coalesce({{ as_text('cast(round(1000 * aged.top_share) as integer)') }}, '-')
        || ' ' || coalesce(aged.rfm_segment, '-') as definition,
        as_of.as_of_date,
        {{ days_after('as_of.as_of_date', '-aged.horizon_days * aged.horizons_ago') }}
            as cut_off_date
    from aged
    cross join as_of

)

select * from cut_offs
