with

moves as (

    select * from {{ ref('int_markov__moves') }}

),

starts as (

    select distinct
        chain_id,
        from_state_id as state_id
    from moves
    where is_first

),

removals as (

    -- a row carries several, in slots; node 0 is none removed, and in its row are the ends (-1, -2)
    select distinct
        chain_id,
        cast(to_node - mod(to_node, {{ markov_width() }}) as integer) as first_node
    from moves

),

walks as (

    select
        removals.chain_id,
        removals.first_node,
        starts.state_id,
        cast(0 as integer) as node_id,
        {{ markov_full_masses() }}
    from removals
    inner join starts on removals.chain_id = starts.chain_id

)

select * from walks
