-- at most a millionth of the journeys still walk after the last step (else raise markov_steps), and
-- but for them a chain as a whole converts as its journeys did
{{ config(tags=['business_logic']) }}

with

effects as (

    select * from {{ ref('int_markov__effects') }}

),

transitions as (

    select * from {{ ref('int_markov__transitions') }}

),

journeys as (

    select
        path_level,
        markov_order,
        window_days,
        conversion_type,
        {{ share(
            'sum(case when to_state = -1 then journeys else 0 end)',
            'sum(case when to_state < 0 then journeys else 0 end)'
        ) }} as conversions_per_journey,
        {{ share(
            'sum(revenue_usd)', 'sum(case when to_state < 0 then journeys else 0 end)'
        ) }} as revenue_per_journey,
        max(case when to_state = -1 then abs(revenue_usd) / journeys end) as largest_revenue
    from transitions
    group by path_level, markov_order, window_days, conversion_type

),

violations as (

    select
        effects.*,
        journeys.conversions_per_journey as counted_conversions_per_journey,
        journeys.revenue_per_journey as counted_revenue_per_journey
    from effects
    inner join journeys
        on effects.path_level = journeys.path_level
        and effects.markov_order = journeys.markov_order
        and effects.window_days = journeys.window_days
        and effects.conversion_type = journeys.conversion_type
    where
        effects.residual_mass > 0.000001
        or (
            effects.node_id = 0
            and (
                abs(effects.conversions_per_journey - journeys.conversions_per_journey)
                > 0.000000001 + effects.residual_mass
                or abs(effects.revenue_per_journey - journeys.revenue_per_journey)
                > 0.000000001 * greatest(abs(journeys.revenue_per_journey), 1)
                + effects.residual_mass * journeys.largest_revenue
            )
        )

)

select * from violations
