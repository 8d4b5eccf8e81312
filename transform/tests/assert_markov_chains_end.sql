-- nobody walks on after the last step (else raise markov_steps), and a chain as a whole converts
-- as its journeys did
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
        cast(sum(case when to_state = -1 then journeys else 0 end) as double)
        / sum(case when to_state < 0 then journeys else 0 end) as conversions_per_journey,
        cast(sum(revenue_usd) as double)
        / sum(case when to_state < 0 then journeys else 0 end) as revenue_per_journey
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
        effects.residual_mass > 0.000000000001
        or (
            effects.node_id = 0
            and (
                abs(effects.conversions_per_journey - journeys.conversions_per_journey)
                > 0.000000001
                or abs(effects.revenue_per_journey - journeys.revenue_per_journey)
                > 0.000000001 * greatest(abs(journeys.revenue_per_journey), 1)
            )
        )

)

select * from violations
