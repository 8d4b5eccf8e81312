{% set most = var('shapley_max_players') %}
{% set ends = ['conversions', 'revenue'] %}
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
        cast(
            least(
                row_number() over (
                    partition by window_days, conversion_type
                    order by round(conversions, 6) desc, node_id
                ),
                {{ most }}
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

shares as (

    select
        *,
        cast(journeys as double) / sum(journeys) over leaving as share,
        cast(revenue_usd as double) / sum(journeys) over leaving as revenue_share
    from moves
    window leaving as (partition by window_days, conversion_type, from_player)

),

coalition_0 as {{ kept_apart() }} (

    -- the chain side by side, one row a chain
    select
        shares.window_days,
        shares.conversion_type,
        counts.players,
        0 as members,
        {%- for i in range(most + 1) %}
        {%- for j in range(1, most + 1) %}
        coalesce(
            max(case when shares.from_player = {{ i }} and shares.to_player = {{ j }} then shares.share end), 0
        ) as {{ 'p_%d_%d' % (i, j) }},
        {%- endfor %}
        coalesce(
            max(case when shares.from_player = {{ i }} and shares.to_player = -1 then shares.share end), 0
        ) as {{ 'p_%d_conversions' % i }},
        coalesce(
            max(case when shares.from_player = {{ i }} and shares.to_player = -1 then shares.revenue_share end), 0
        ) as {{ 'p_%d_revenue' % i }}{{ ',' if not loop.last }}
        {%- endfor %}
    from shares
    inner join counts
        on shares.window_days = counts.window_days
        and shares.conversion_type = counts.conversion_type
    group by shares.window_days, shares.conversion_type, counts.players

),
{% for k in range(1, most + 1) %}
{%- set later = range(k + 1, most + 1) | list %}
coalition_{{ k }} as {{ kept_apart() }} (

    -- player {{ k }} stays out: its row and column go. It joins: who went to it goes on from it
    select
        coalition.window_days,
        coalition.conversion_type,
        coalition.players,
        coalition.members + choice.joins as members,
        {%- for before in range(1, k) %}
        coalition.joins_{{ before }},
        {%- endfor %}
        choice.joins as joins_{{ k }},
        {%- for i in [0] + later %}
        {%- set row_loop = loop %}
        {%- for j in later + ends %}
        coalition.p_{{ i }}_{{ j }} + choice.joins * coalition.p_{{ i }}_{{ k }}
        * coalition.p_{{ k }}_{{ j }} / (1 - coalition.p_{{ k }}_{{ k }}) as p_{{ i }}_{{ j }}
        {{- ',' if not (loop.last and row_loop.last) }}
        {%- endfor %}
        {%- endfor %}
    from coalition_{{ k - 1 }} as coalition
    inner join (select 0 as joins union all select 1 as joins) as choice
        on choice.joins = 0 or coalition.players >= {{ k }}

),
{% endfor %}
valued as (

    -- every coalition tells each player what it adds, or would
    select
        coalition.window_days,
        coalition.conversion_type,
        {%- for k in range(1, most + 1) %}
        {%- set player_loop = loop %}
        {%- for end in ends %}
        sum(
            case when coalition.joins_{{ k }} = 1 then joined.weight else -absent.weight end
            * coalition.p_0_{{ end }}
        ) as {{ end }}_{{ k }}{{ ',' if not (loop.last and player_loop.last) }}
        {%- endfor %}
        {%- endfor %}
    from coalition_{{ most }} as coalition
    left join weights as joined
        on coalition.players = joined.players and coalition.members - 1 = joined.others
    left join weights as absent
        on coalition.players = absent.players and coalition.members = absent.others
    group by coalition.window_days, coalition.conversion_type

),

channels as (

    -- who shares a player shares its value as linear over distinct channels would
    select
        nodes.channel,
        players.window_days,
        players.conversion_type,
        players.node_id,
        case players.player
            {%- for k in range(1, most + 1) %}
            when {{ k }} then valued.conversions_{{ k }}
            {%- endfor %}
        end * {{ share_of_group(
            'coverage.conversions', 'players.window_days, players.conversion_type, players.player'
        ) }} as conversions_per_journey,
        case players.player
            {%- for k in range(1, most + 1) %}
            when {{ k }} then valued.revenue_{{ k }}
            {%- endfor %}
        end * {{ share_of_group(
            'coverage.revenue_usd', 'players.window_days, players.conversion_type, players.player'
        ) }} as revenue_per_journey
    from players
    inner join valued
        on players.window_days = valued.window_days
        and players.conversion_type = valued.conversion_type
    inner join coverage
        on players.window_days = coverage.window_days
        and players.conversion_type = coverage.conversion_type
        and players.node_id = coverage.node_id
        and coverage.path_level = 'channel'
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
