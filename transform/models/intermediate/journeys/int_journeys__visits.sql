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
    inner join nodes on nodes.path_level = 'channel' and steps.channel = nodes.channel

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
        on nodes.path_level = 'campaign'
        and steps.channel = nodes.channel
        and coalesce(steps.platform, '') = coalesce(nodes.platform, '')
        and coalesce(steps.campaign_id, '') = coalesce(nodes.campaign_id, '')

)

select * from visits
