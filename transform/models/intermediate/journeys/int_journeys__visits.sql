with

steps as (

    select * from {{ ref('int_journeys__steps') }}

),

nodes as (

    select * from {{ ref('int_journeys__nodes') }}

),

visits as (

    select
        nodes.path_level,
        nodes.node_id,
        steps.window_days,
        steps.journey_id,
        steps.is_converted,
        steps.journey_type,
        steps.step,
        steps.journey_steps,
        steps.revenue_usd
    from steps
    inner join nodes on steps.channel = nodes.channel
    where nodes.path_level = 'channel'

    union all

    select
        nodes.path_level,
        nodes.node_id,
        steps.window_days,
        steps.journey_id,
        steps.is_converted,
        steps.journey_type,
        steps.step,
        steps.journey_steps,
        steps.revenue_usd
    from steps
    inner join nodes
        on steps.channel = nodes.channel
        and coalesce(steps.platform, '') = coalesce(nodes.platform, '')
        and coalesce(steps.campaign_id, '') = coalesce(nodes.campaign_id, '')
    where nodes.path_level = 'campaign'

)

select * from visits
