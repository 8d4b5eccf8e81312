with

transitions as (

    select * from {{ ref('int_markov__transitions') }}

),

shares as (

    -- to -1: conversions, to -2: their revenue
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

),

ends as (

    select -1 as state
    union all
    select -2 as state

),

kept as (

    -- both keep what arrives
    select distinct
        transitions.chain_id,
        ends.state as from_state,
        ends.state as to_state,
        ends.state as to_node,
        {{ as_double('1') }} as probability
    from transitions
    cross join ends

),

moved as (

    select * from shares

    union all

    select * from kept

),

states as (

    -- one number for chain and state makes the walk's joins cheap
    select
        chain_id,
        from_state as state,
        cast(row_number() over (order by chain_id, from_state) as integer) as state_id
    from (
        select
            chain_id,
            from_state
        from transitions
        {{ union_distinct() }}
        select
            chain_id,
            from_state
        from kept
    ) as met

),

moves as (

    select
        moved.chain_id,
        from_states.state_id as from_state_id,
        to_states.state_id as to_state_id,
        moved.from_state = 0 as is_first,
        cast(moved.to_node as integer) as to_node,
        moved.probability
    from moved
    inner join states as from_states
        on moved.chain_id = from_states.chain_id and moved.from_state = from_states.state
    inner join states as to_states
        on moved.chain_id = to_states.chain_id and moved.to_state = to_states.state

)

select * from moves
