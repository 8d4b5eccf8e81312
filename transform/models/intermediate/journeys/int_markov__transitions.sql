{% set longest = markov_longest_order() %}
with

steps as (

    select * from {{ ref('int_journeys__steps') }}

),

nodes as (

    select * from {{ ref('int_journeys__nodes') }}

),

types as (
    {{ conversion_types() }}
),

visits as (
    {% for level in path_levels() %}
    select
        nodes.path_level,
        nodes.node_id,
        steps.window_days,
        steps.journey_id,
        steps.is_converted,
        steps.journey_type,
        steps.step,
        steps.revenue_usd
    from steps
    inner join nodes
        on steps.channel = nodes.channel
        {%- if level == 'campaign' %}
        and coalesce(steps.platform, '') = coalesce(nodes.platform, '')
        and coalesce(steps.campaign_id, '') = coalesce(nodes.campaign_id, '')
        {%- endif %}
    where nodes.path_level = '{{ level }}'
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

compared as (

    select
        *,
        lag(node_id) over (
            partition by path_level, window_days, is_converted, journey_id
            order by step
        ) as previous_node_id
    from visits

),

walked as (

    -- successive repeats count once
    select
        path_level,
        window_days,
        journey_type,
        is_converted,
        revenue_usd,
        node_id as node_0,
        {%- for back in range(1, longest + 1) %}
        lag(node_id, {{ back }}, 0) over journey as node_{{ back }},
        {%- endfor %}
        lead(node_id) over journey is null as is_last
    from compared
    where previous_node_id is null or previous_node_id <> node_id
    window journey as (
        partition by path_level, window_days, is_converted, journey_id
        order by step
    )

),

counted as (

    select
        path_level,
        window_days,
        journey_type,
        {%- for back in range(longest + 1) %}
        node_{{ back }},
        {%- endfor %}
        is_last,
        is_converted,
        count(*) as journeys,
        sum(revenue_usd) as revenue_usd
    from walked
    group by
        path_level, window_days, journey_type, is_last, is_converted
        {%- for back in range(longest + 1) %}, node_{{ back }}{% endfor %}

),

moves as (

    -- to -1: conversion, to -3: none
    {% for level in path_levels() %}
    {%- set outer_loop = loop %}
    {%- for order in markov_orders(level) %}
    select
        path_level,
        {{ order }} as markov_order,
        window_days,
        journey_type,
        {{ markov_state(1, order) }} as from_state,
        {{ markov_state(0, order) }} as to_state,
        node_0 as to_node,
        journeys,
        null as revenue_usd
    from counted
    where path_level = '{{ level }}'

    union all

    select
        path_level,
        {{ order }} as markov_order,
        window_days,
        journey_type,
        {{ markov_state(0, order) }} as from_state,
        case when is_converted then -1 else -3 end as to_state,
        case when is_converted then -1 else -3 end as to_node,
        journeys,
        revenue_usd
    from counted
    where path_level = '{{ level }}' and is_last
    {%- if not (outer_loop.last and loop.last) %}

    union all
    {% endif %}
    {%- endfor %}
    {%- endfor %}

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
        cast(coalesce(revenue_usd, 0) as decimal(38, 2)) as revenue_usd,
        cast(
            sum(journeys) over (
                partition by path_level, markov_order, window_days, conversion_type, from_state
            ) as bigint
        ) as visits
    from summed

)

select * from transitions
