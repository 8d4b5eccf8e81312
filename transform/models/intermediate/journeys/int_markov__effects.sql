with

transitions as (

    select * from {{ ref('int_markov__transitions') }}

),

walked as (

    select * from {{ ref('int_markov__walk_8') }}

),

removals as (

    -- node 0 is none: the whole chain
    select distinct
        chain_id,
        path_level,
        markov_order,
        window_days,
        conversion_type,
        cast(case when to_node > 0 then to_node else 0 end as integer) as node_id
    from transitions

),

ended as (

    select
        removals.path_level,
        removals.markov_order,
        removals.window_days,
        removals.conversion_type,
        removals.node_id,
        walked.node_id as reached,
        {{ markov_mass_of('mod(removals.node_id, ' ~ markov_width() ~ ')') }} as mass
    from walked
    inner join removals
        on walked.chain_id = removals.chain_id
        and walked.first_node = removals.node_id - mod(removals.node_id, {{ markov_width() }})

),

effects as (

    select
        path_level,
        markov_order,
        window_days,
        conversion_type,
        node_id,
        sum(case when reached = -1 then mass else 0 end) as conversions_per_journey,
        sum(case when reached = -2 then mass else 0 end) as revenue_per_journey,
        sum(case when reached > 0 then mass else 0 end) as residual_mass
    from ended
    group by path_level, markov_order, window_days, conversion_type, node_id

)

select * from effects
