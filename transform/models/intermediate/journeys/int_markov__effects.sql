with

transitions as (

    select * from {{ ref('int_markov__transitions') }}

),

states as (

    -- one number for chain and state makes the walk's joins cheap
    select
        chain_id,
        state,
        cast(row_number() over (order by chain_id, state) as integer) as state_id
    from (
        select
            chain_id,
            from_state as state
        from transitions
        {{ union_distinct() }}
        select
            chain_id,
            -1 as state
        from transitions
        {{ union_distinct() }}
        select
            chain_id,
            -2 as state
        from transitions
    ) as met

),

shares as (

    -- to -1: conversions, to -2: their revenue; both keep what arrives
    select
        chain_id,
        from_state,
        to_state,
        to_node,
        {{ share('journeys', 'visits') }} as probability
    from transitions
    where to_state >= -1

    union all

    select
        chain_id,
        from_state,
        -2 as to_state,
        -2 as to_node,
        {{ share('revenue_usd', 'visits') }} as probability
    from transitions
    where to_state = -1

    union all

    select
        chain_id,
        state as from_state,
        state as to_state,
        state as to_node,
        {{ as_double('1') }} as probability
    from states
    where state < 0

),

moves as {{ kept_apart() }} (

    select
        from_states.state_id as from_state_id,
        to_states.state_id as to_state_id,
        cast(shares.to_node as integer) as to_node,
        shares.probability
    from shares
    inner join states as from_states
        on shares.chain_id = from_states.chain_id and shares.from_state = from_states.state
    inner join states as to_states
        on shares.chain_id = to_states.chain_id and shares.to_state = to_states.state

),

removals as (

    -- node 0 is none: the whole chain. A walk's row carries several, in slots
    select distinct
        chain_id,
        path_level,
        markov_order,
        window_days,
        conversion_type,
        cast(to_node as integer) as node_id,
        cast(to_node - mod(to_node, {{ markov_width() }}) as integer) as first_node,
        cast(mod(to_node, {{ markov_width() }}) as integer) as slot
    from transitions
    where to_node > 0

    union all

    select distinct
        chain_id,
        path_level,
        markov_order,
        window_days,
        conversion_type,
        cast(0 as integer) as node_id,
        cast(0 as integer) as first_node,
        cast(0 as integer) as slot
    from transitions

),

walk_0 as {{ kept_apart() }} (

    select distinct
        states.state_id,
        removals.first_node,
        {{ markov_full_masses() }}
    from removals
    inner join states on removals.chain_id = states.chain_id
    where states.state = 0

),

{{ markov_walk() }}

ended as (

    select
        removals.path_level,
        removals.markov_order,
        removals.window_days,
        removals.conversion_type,
        removals.node_id,
        states.state,
        {{ markov_mass_of('removals.slot') }} as mass
    from walked
    inner join states on walked.state_id = states.state_id
    inner join removals
        on states.chain_id = removals.chain_id and walked.first_node = removals.first_node

),

effects as (

    select
        path_level,
        markov_order,
        window_days,
        conversion_type,
        node_id,
        sum(case when state = -1 then mass else 0 end) as conversions_per_journey,
        sum(case when state = -2 then mass else 0 end) as revenue_per_journey,
        sum(case when state >= 0 then mass else 0 end) as residual_mass
    from ended
    group by path_level, markov_order, window_days, conversion_type, node_id

)

select * from effects
