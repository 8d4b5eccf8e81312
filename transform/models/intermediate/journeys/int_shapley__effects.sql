with

transitions as (

    select * from {{ ref('int_markov__transitions') }}
    where path_level = 'channel' and markov_order = 1

),

coverage as (

    select * from {{ ref('int_journeys__coverage') }}

),

nodes as (

    select * from {{ ref('int_journeys__nodes') }}

),

weights as (
    {{ shapley_weights() }}
),

players as (

    -- the last player stands for all channels beyond the most
    select
        window_days,
        conversion_type,
        node_id,
        conversions,
        revenue_usd,
        cast(
            least(
                row_number() over (
                    partition by window_days, conversion_type
                    order by {{ round_half('conversions', 6) }} desc, node_id
                ),
                {{ var('shapley_max_players') }}
            ) as integer
        ) as player
    from coverage
    where path_level = 'channel'

),

counts as (

    select
        window_days,
        conversion_type,
        max(player) as players
    from players
    group by window_days, conversion_type

),

moves as (

    select
        transitions.window_days,
        transitions.conversion_type,
        coalesce(from_players.player, 0) as from_player,
        coalesce(to_players.player, transitions.to_state) as to_player,
        sum(transitions.journeys) as journeys,
        sum(transitions.revenue_usd) as revenue_usd
    from transitions
    left join players as from_players
        on transitions.window_days = from_players.window_days
        and transitions.conversion_type = from_players.conversion_type
        and transitions.from_state = from_players.node_id
    left join players as to_players
        on transitions.window_days = to_players.window_days
        and transitions.conversion_type = to_players.conversion_type
        and transitions.to_state = to_players.node_id
    group by
        transitions.window_days, transitions.conversion_type,
        coalesce(from_players.player, 0), coalesce(to_players.player, transitions.to_state)

),

counted as (

    select
        *,
        sum(journeys) over (partition by window_days, conversion_type, from_player) as leaving
    from moves

),

probabilities as (

    select
        *,
        {{ share('journeys', 'leaving') }} as probability,
        {{ share('revenue_usd', 'leaving') }} as revenue
    from counted

),

coalition_0 as {{ kept_apart() }} (

    -- the chain side by side: one row, and a column for each move between two players
    select
        probabilities.window_days,
        probabilities.conversion_type,
        counts.players,
        0 as members,
        {{ shapley_chain() }}
    from probabilities
    inner join counts
        on probabilities.window_days = counts.window_days
        and probabilities.conversion_type = counts.conversion_type
    group by probabilities.window_days, probabilities.conversion_type, counts.players

),

{{ shapley_coalitions() }}

valued as (

    -- every coalition tells each player what it adds, or would
    select
        coalitions.window_days,
        coalitions.conversion_type,
        {{ shapley_sums() }}
    from coalitions
    left join weights as joined
        on coalitions.players = joined.players and coalitions.members - 1 = joined.others
    left join weights as absent
        on coalitions.players = absent.players and coalitions.members = absent.others
    group by coalitions.window_days, coalitions.conversion_type

),

channels as (

    -- who shares a player shares its value as linear over distinct channels would
    select
        nodes.channel,
        players.window_days,
        players.conversion_type,
        players.node_id,
        {{ shapley_value_of('conversions', 'players.player') }} * {{ share_of_group(
            'players.conversions', 'players.window_days, players.conversion_type, players.player'
        ) }} as conversions_per_journey,
        {{ shapley_value_of('revenue', 'players.player') }} * {{ share_of_group(
            'players.revenue_usd', 'players.window_days, players.conversion_type, players.player'
        ) }} as revenue_per_journey
    from players
    inner join valued
        on players.window_days = valued.window_days
        and players.conversion_type = valued.conversion_type
    inner join nodes
        on players.node_id = nodes.node_id and nodes.path_level = 'channel'

),

campaigns as (

    -- as do the campaigns of a channel
    select
        channels.window_days,
        channels.conversion_type,
        coverage.node_id,
        channels.conversions_per_journey * {{ share_of_group(
            'coverage.conversions',
            'channels.window_days, channels.conversion_type, channels.channel'
        ) }} as conversions_per_journey,
        channels.revenue_per_journey * {{ share_of_group(
            'coverage.revenue_usd',
            'channels.window_days, channels.conversion_type, channels.channel'
        ) }} as revenue_per_journey
    from coverage
    inner join nodes
        on coverage.path_level = nodes.path_level and coverage.node_id = nodes.node_id
    inner join channels
        on coverage.window_days = channels.window_days
        and coverage.conversion_type = channels.conversion_type
        and nodes.channel = channels.channel
    where coverage.path_level = 'campaign'

),

effects as (

    select
        'channel' as path_level,
        window_days,
        conversion_type,
        node_id,
        conversions_per_journey,
        revenue_per_journey
    from channels

    union all

    select
        'campaign' as path_level,
        window_days,
        conversion_type,
        node_id,
        conversions_per_journey,
        revenue_per_journey
    from campaigns

)

select * from effects
