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

cut_offs as (

    -- what comes of a day is known a horizon later
    select
        defined.segment_name,
        roles.cut_off_role,
        defined.goal,
        defined.horizon_days,
        defined.active_days,
        defined.least_purchases,
        defined.top_share,
        defined.rfm_segment,
        defined.member_share,
        defined.goal || ' ' || {{ as_text('defined.horizon_days') }}
        || ' ' || coalesce({{ as_text('defined.active_days') }}, '-')
        || ' ' || {{ as_text('defined.least_purchases') }}
        || ' ' || coalesce({{ as_text('cast(round(1000 * defined.top_share) as integer)') }}, '-')
        || ' ' || coalesce(defined.rfm_segment, '-') as definition,
        as_of.as_of_date,
        {{ days_after('as_of.as_of_date', '-defined.horizon_days * roles.horizons_ago') }}
            as cut_off_date
    from defined
    cross join roles
    cross join as_of

)

select * from cut_offs
