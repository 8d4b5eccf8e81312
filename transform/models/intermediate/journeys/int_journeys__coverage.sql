with

visits as (

    select * from {{ ref('int_journeys__visits') }}

),

types as (
    {{ conversion_types_and_all() }}
),

met as (

    -- each node once a journey
    select distinct
        path_level,
        node_id,
        window_days,
        journey_id,
        is_converted,
        journey_type,
        revenue_usd
    from visits

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
        sum(case when shared.is_converted then {{ share('1', 'shared.nodes_met') }} else 0 end)
            as conversions,
        sum(
            case
                when shared.is_converted
                    then {{ share('shared.revenue_usd', 'shared.nodes_met') }}
                else 0
            end
        ) as revenue_usd
    from shared
    inner join types on shared.journey_type = types.journey_type
    group by shared.path_level, shared.window_days, types.conversion_type, shared.node_id

)

select * from coverage
