-- the players' values add up to the value of all together
{{ config(tags=['business_logic']) }}

with

transitions as (

    select * from {{ ref('int_markov__transitions') }}

),

shapley as (

    select * from {{ ref('int_shapley__effects') }}

),

journeys as (

    select
        window_days,
        conversion_type,
        {{ share(
            'sum(case when to_state = -1 then journeys else 0 end)',
            'sum(case when to_state < 0 then journeys else 0 end)'
        ) }} as conversions_per_journey,
        {{ share(
            'sum(revenue_usd)', 'sum(case when to_state < 0 then journeys else 0 end)'
        ) }} as revenue_per_journey
    from transitions
    where path_level = 'channel' and markov_order = 1
    group by window_days, conversion_type

),

shared as (

    select
        path_level,
        window_days,
        conversion_type,
        sum(conversions_per_journey) as conversions_per_journey,
        sum(revenue_per_journey) as revenue_per_journey
    from shapley
    group by path_level, window_days, conversion_type

),

violations as (

    select
        shared.*,
        journeys.conversions_per_journey as all_conversions_per_journey,
        journeys.revenue_per_journey as all_revenue_per_journey
    from journeys
    inner join shared
        on journeys.window_days = shared.window_days
        and journeys.conversion_type = shared.conversion_type
    where
        abs(shared.conversions_per_journey - journeys.conversions_per_journey) > 0.000000001
        or abs(shared.revenue_per_journey - journeys.revenue_per_journey)
        > 0.000000001 * greatest(abs(journeys.revenue_per_journey), 1)

)

select * from violations
