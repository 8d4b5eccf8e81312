with

visits as (

    select * from {{ ref('int_journeys__visits') }}

),

types as (
    {{ conversion_types_and_all() }}
),

remembered as (
    {{ markov_remembered('visits') }}
),

counted as (

    select
        path_level,
        window_days,
        journey_type,
        {{ markov_memory_columns() }},
        is_last,
        is_converted,
        count(*) as journeys,
        sum(revenue_usd) as revenue_usd
    from remembered
    group by
        path_level, window_days, journey_type, is_last, is_converted, {{ markov_memory_columns() }}

),

chains as (
    {{ markov_chain_rows() }}
),

moves as (

    -- from state to state, and from the last one to conversion (-1) or to none (-3)
    select
        counted.path_level,
        chains.markov_order,
        counted.window_days,
        counted.journey_type,
        case when chains.is_end then {{ markov_state(0) }} else {{ markov_state(1) }} end
            as from_state,
        case
            when not chains.is_end then {{ markov_state(0) }}
            when counted.is_converted then -1
            else -3
        end as to_state,
        case
            when not chains.is_end then counted.node_0
            when counted.is_converted then -1
            else -3
        end as to_node,
        counted.journeys,
        case when chains.is_end then counted.revenue_usd end as revenue_usd
    from counted
    inner join chains
        on counted.path_level = chains.path_level and (counted.is_last or not chains.is_end)

),

summed as (

    select
        moves.path_level,
        moves.markov_order,
        moves.window_days,
        types.conversion_type,
        moves.from_state,
        moves.to_state,
        moves.to_node,
        sum(moves.journeys) as journeys,
        sum(moves.revenue_usd) as revenue_usd
    from moves
    inner join types on moves.journey_type = types.journey_type
    -- a state that repeats counts once
    where moves.from_state <> moves.to_state
    group by
        moves.path_level, moves.markov_order, moves.window_days, types.conversion_type,
        moves.from_state, moves.to_state, moves.to_node

),

transitions as (

    select
        cast(
            dense_rank() over (
                order by path_level, markov_order, window_days, conversion_type
            ) as integer
        ) as chain_id,
        path_level,
        markov_order,
        window_days,
        conversion_type,
        cast(from_state as bigint) as from_state,
        cast(to_state as bigint) as to_state,
        cast(to_node as bigint) as to_node,
        cast(journeys as bigint) as journeys,
        cast(coalesce(revenue_usd, 0) as {{ type_decimal(38, 2) }}) as revenue_usd,
        cast(
            sum(journeys) over (
                partition by path_level, markov_order, window_days, conversion_type, from_state
            ) as bigint
        ) as visits
    from summed

)

select * from transitions
