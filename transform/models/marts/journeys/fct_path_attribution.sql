with

steps as (

    select * from {{ ref('int_journeys__steps') }}

),

nodes as (

    select * from {{ ref('int_journeys__nodes') }}

),

markov as (

    select * from {{ ref('int_markov__effects') }}

),

shapley as (

    select * from {{ ref('int_shapley__effects') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

types as (
    {{ conversion_types_and_all() }}
),

models as (
    {{ path_models() }}
),

windows as (
    {{ path_windows() }}
),

ordered as (

    -- an order that was given back wholly is no conversion; what rates left of it is revenue
    select
        types.conversion_type,
        windows.window_days,
        sum(case when conversions.is_refunded then 0 else 1 end) as conversions,
        sum(conversions.revenue_usd) as revenue_usd
    from conversions
    inner join types on conversions.conversion_type = types.journey_type
    cross join windows
    group by types.conversion_type, windows.window_days

),

reached as (

    select
        types.conversion_type,
        steps.window_days,
        count(*) as conversions,
        sum(steps.revenue_usd) as revenue_usd
    from steps
    inner join types on steps.journey_type = types.journey_type
    where steps.is_converted and steps.step = 1
    group by types.conversion_type, steps.window_days

),

effects as (

    select
        removed.markov_order,
        removed.path_level,
        removed.window_days,
        removed.conversion_type,
        removed.node_id,
        whole.conversions_per_journey - removed.conversions_per_journey as conversions_effect,
        whole.revenue_per_journey - removed.revenue_per_journey as revenue_effect,
        case
            when whole.conversions_per_journey > 0
                then 1 - removed.conversions_per_journey / whole.conversions_per_journey
            else 0
        end as removal_effect,
        case
            when
                whole.revenue_per_journey > 0
                and abs(removed.revenue_per_journey) < whole.revenue_per_journey * 1000000
                then 1 - removed.revenue_per_journey / whole.revenue_per_journey
        end as revenue_removal_effect
    from markov as removed
    inner join markov as whole
        on removed.path_level = whole.path_level
        and removed.markov_order = whole.markov_order
        and removed.window_days = whole.window_days
        and removed.conversion_type = whole.conversion_type
    where removed.node_id > 0 and whole.node_id = 0

    union all

    select
        0 as markov_order,
        path_level,
        window_days,
        conversion_type,
        node_id,
        conversions_per_journey as conversions_effect,
        revenue_per_journey as revenue_effect,
        {{ as_double('null') }} as removal_effect,
        {{ as_double('null') }} as revenue_removal_effect
    from shapley

),

weighted as (

    -- revenue that is not above zero, or that no node adds to, goes by conversions
    select
        effects.*,
        coalesce(reached.conversions, 0) as conversions,
        coalesce(reached.revenue_usd, 0) as revenue_usd,
        greatest(effects.conversions_effect, 0) as conversions_weight,
        case
            when
                reached.revenue_usd > 0
                and max(effects.revenue_effect) over (
                    partition by
                        effects.markov_order, effects.path_level, effects.window_days,
                        effects.conversion_type
                ) > 0.000000000001
                then greatest(effects.revenue_effect, 0)
            else greatest(effects.conversions_effect, 0)
        end as revenue_weight
    from effects
    left join reached
        on effects.window_days = reached.window_days
        and effects.conversion_type = reached.conversion_type

),

cumulated as (

    select
        *,
        {{ cumulative_share(
            'conversions_weight', 'markov_order, path_level, window_days, conversion_type', 'node_id'
        ) }} as conversions_share,
        {{ cumulative_share(
            'revenue_weight', 'markov_order, path_level, window_days, conversion_type', 'node_id'
        ) }} as revenue_share
    from weighted

),

rounded as (

    -- running totals, so that they add up exactly; of shares in twelve decimals, so that the noise
    -- of sums in another order moves nothing that lies half way. 19 digits: a wider product
    select
        *,
        round(
            cast(conversions as decimal(19, 0)) * {{ round_half('conversions_share', 12) }}, 6
        ) as credit_so_far,
        round(
            cast(revenue_usd as decimal(19, 2)) * {{ round_half('revenue_share', 12) }}, 2
        ) as revenue_so_far
    from cumulated

),

stepped as (

    select
        *,
        lag(credit_so_far) over (
            partition by markov_order, path_level, window_days, conversion_type order by node_id
        ) as credit_before,
        lag(revenue_so_far) over (
            partition by markov_order, path_level, window_days, conversion_type order by node_id
        ) as revenue_before
    from rounded

),

credited as (

    select
        models.model,
        stepped.path_level,
        stepped.conversion_type,
        stepped.window_days,
        stepped.node_id,
        nodes.channel,
        nodes.platform,
        nodes.campaign_id,
        stepped.removal_effect,
        stepped.revenue_removal_effect,
        stepped.credit_so_far - coalesce(stepped.credit_before, 0) as credit,
        stepped.revenue_so_far - coalesce(stepped.revenue_before, 0) as revenue_usd
    from stepped
    inner join nodes
        on stepped.path_level = nodes.path_level and stepped.node_id = nodes.node_id
    inner join models
        on stepped.path_level = models.path_level
        and stepped.markov_order = models.markov_order

),

unattributed as (

    select
        models.model,
        models.path_level,
        ordered.conversion_type,
        ordered.window_days,
        cast(0 as bigint) as node_id,
        'unattributed' as channel,
        {{ as_text('null') }} as platform,
        {{ as_text('null') }} as campaign_id,
        {{ as_double('null') }} as removal_effect,
        {{ as_double('null') }} as revenue_removal_effect,
        ordered.conversions - coalesce(reached.conversions, 0) as credit,
        ordered.revenue_usd - coalesce(reached.revenue_usd, 0) as revenue_usd
    from ordered
    cross join models
    left join reached
        on ordered.conversion_type = reached.conversion_type
        and ordered.window_days = reached.window_days

),

united as (

    select * from credited

    union all

    select * from unattributed

),

attribution as (

    select
        model,
        path_level,
        conversion_type,
        window_days,
        cast(node_id as bigint) as node_id,
        channel,
        platform,
        campaign_id,
        cast(round({{ round_half('removal_effect', 12) }}, 9) as decimal(18, 9))
            as removal_effect,
        cast(round({{ round_half('revenue_removal_effect', 12) }}, 9) as decimal(18, 9))
            as revenue_removal_effect,
        cast(credit as decimal(18, 6)) as credit,
        cast(revenue_usd as decimal(18, 2)) as revenue_usd
    from united

)

select * from attribution
