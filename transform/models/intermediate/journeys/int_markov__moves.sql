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

arrived as (

    -- the end without conversion (-3) is no state
    select
        moved.*,
        states.state_id as to_state_id
    from moved
    inner join states on moved.chain_id = states.chain_id and moved.to_state = states.state

),

moves as (

    select
        states.chain_id,
        states.state_id as from_state_id,
        arrived.to_state_id,
        states.state = 0 as is_first,
        cast(arrived.to_node as integer) as to_node,
        arrived.probability
    from states
    inner join arrived
        on states.chain_id = arrived.chain_id and states.state = arrived.from_state

)

select * from moves
