with

sessions as (

    select * from {{ ref('int_behaviour__first_sessions') }}
    where session_rank = 1

),

joined as (

    select * from {{ ref('int_behaviour__members') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}
    where not is_refunded

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

observed as (

    -- who has not been known for long enough would look worse than he is
    select
        sessions.person_key,
        sessions.started_at as first_seen_at
    from sessions
    cross join as_of
    where
        {{ days_between('sessions.started_at', 'as_of.as_of_date') }}
        >= {{ var('behaviour_horizon_days') }}

),

members as (

    select
        person_key,
        cohort
    from joined

    union all

    select
        person_key,
        'all' as cohort
    from observed

),

became as (

    select
        observed.person_key,
        count(conversions.conversion_id) as conversions,
        sum(coalesce(conversions.revenue_usd, 0)) as revenue_usd
    from observed
    left join conversions
        on observed.person_key = conversions.person_key
        and observed.first_seen_at <= conversions.converted_at
        and {{ seconds_between('observed.first_seen_at', 'conversions.converted_at') }}
        < {{ var('behaviour_horizon_days') }} * 86400
    group by observed.person_key

),

summed as (

    select
        members.cohort,
        count(*) as persons,
        count(case when became.conversions > 0 then 1 end) as buyers,
        count(case when became.conversions > 1 then 1 end) as repeat_buyers,
        sum(became.conversions) as conversions,
        sum(became.revenue_usd) as revenue_usd
    from members
    inner join became on members.person_key = became.person_key
    group by members.cohort

),

compared as (

    select
        summed.cohort,
        summed.persons,
        summed.buyers,
        {{ safe_ratio('summed.buyers', 'summed.persons') }} as conversion_rate,
        {{ safe_ratio(
            safe_ratio('summed.buyers', 'summed.persons'),
            safe_ratio('everyone.buyers', 'everyone.persons')
        ) }} as conversion_lift,
        {{ safe_ratio('summed.repeat_buyers', 'summed.buyers') }} as repeat_rate,
        cast(summed.conversions as bigint) as conversions,
        cast(summed.revenue_usd as decimal(18, 2)) as revenue_usd,
        {{ safe_ratio('summed.revenue_usd', 'summed.persons') }} as revenue_per_person_usd,
        {{ safe_ratio('summed.revenue_usd', 'summed.buyers') }} as revenue_per_buyer_usd
    from summed
    inner join summed as everyone on everyone.cohort = 'all'
    -- cohorts overlap, so that none can be merged with others: one that is small, or leaves few
    -- persons out, is not published
    where
        summed.persons >= {{ var('minimum_cell_customers') }}
        and (
            summed.persons = everyone.persons
            or everyone.persons - summed.persons >= {{ var('minimum_cell_customers') }}
        )

)

select * from compared
