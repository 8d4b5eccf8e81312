with

steps as (

    select * from {{ ref('int_journeys__steps') }}

),

nodes as (

    select * from {{ ref('int_journeys__nodes') }}

),

types as (
    {{ conversion_types() }}
),

met as (

    -- each node once a journey
    {% for level in path_levels() %}
    select distinct
        nodes.path_level,
        nodes.node_id,
        steps.window_days,
        steps.journey_id,
        steps.is_converted,
        steps.journey_type,
        steps.revenue_usd
    from steps
    inner join nodes
        on steps.channel = nodes.channel
        {%- if level == 'campaign' %}
        and coalesce(steps.platform, '') = coalesce(nodes.platform, '')
        and coalesce(steps.campaign_id, '') = coalesce(nodes.campaign_id, '')
        {%- endif %}
    where nodes.path_level = '{{ level }}'
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

shared as (

    select
        *,
        count(*) over (
            partition by path_level, window_days, is_converted, journey_id
        ) as nodes_met
    from met

),

coverage as (

    select
        shared.path_level,
        shared.window_days,
        types.conversion_type,
        shared.node_id,
        count(*) as journeys,
        sum(case when shared.is_converted then cast(1 as double) / shared.nodes_met else 0 end)
            as conversions,
        sum(
            case
                when shared.is_converted
                    then cast(shared.revenue_usd as double) / shared.nodes_met
                else 0
            end
        ) as revenue_usd
    from shared
    inner join types on shared.journey_type = types.journey_type
    group by shared.path_level, shared.window_days, types.conversion_type, shared.node_id

)

select * from coverage
