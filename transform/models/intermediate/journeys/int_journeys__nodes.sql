with

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

met as (

    select distinct
        'channel' as path_level,
        channel,
        {{ as_text('null') }} as platform,
        {{ as_text('null') }} as campaign_id
    from touchpoints

    union all

    select distinct
        'campaign' as path_level,
        channel,
        platform,
        campaign_id
    from touchpoints

),

nodes as (

    select
        path_level,
        cast(
            row_number() over (
                partition by path_level
                order by channel, coalesce(platform, ''), coalesce(campaign_id, '')
            ) as bigint
        ) as node_id,
        channel,
        platform,
        campaign_id
    from met

)

select * from nodes
