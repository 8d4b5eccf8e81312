with

steps as (

    select * from {{ ref('int_journeys__steps') }}

),

types as (
    {{ conversion_types_and_all() }}
),

compared as (

    select
        *,
        lag(channel) over (
            partition by window_days, is_converted, journey_id
            order by step
        ) as previous_channel
    from steps

),

journeys as (

    -- successive repeats count once; the first touch says how long it took
    select
        window_days,
        is_converted,
        journey_type,
        journey_id,
        {{ joined_in_order(
            "case when previous_channel is null or previous_channel <> channel then channel end",
            'step'
        ) }} as channel_path,
        count(*) as touches,
        sum(case when previous_channel is null or previous_channel <> channel then 1 else 0 end)
            as path_length,
        max(revenue_usd) as revenue_usd,
        max(seconds_to_conversion) as seconds_to_convert
    from compared
    group by window_days, is_converted, journey_type, journey_id

),

placed as (

    select
        types.conversion_type,
        journeys.*,
        row_number() over (
            partition by
                types.conversion_type, journeys.window_days, journeys.channel_path,
                journeys.is_converted
            order by journeys.seconds_to_convert, journeys.journey_id
        ) as days_rank
    from journeys
    inner join types on journeys.journey_type = types.journey_type

),

sized as (

    select
        *,
        count(*) over (
            partition by conversion_type, window_days, channel_path, is_converted
        ) as path_journeys
    from placed

),

summed as (

    -- percentiles by nearest rank: a number of days that a journey really took
    select
        conversion_type,
        window_days,
        channel_path,
        max(path_length) as path_length,
        sum(case when is_converted then 1 else 0 end) as conversions,
        sum(case when is_converted then 0 else 1 end) as unconverted_journeys,
        sum(case when is_converted then revenue_usd else 0 end) as revenue_usd,
        sum(touches) as touches,
        sum(case when is_converted then seconds_to_convert end) as seconds_to_convert,
        min(
            case
                when is_converted and days_rank * 10 >= path_journeys * 5 then seconds_to_convert
            end
        ) as median_seconds,
        min(
            case
                when is_converted and days_rank * 10 >= path_journeys * 9 then seconds_to_convert
            end
        ) as p90_seconds
    from sized
    group by conversion_type, window_days, channel_path

),

reported as (

    select
        conversion_type,
        window_days,
        channel_path,
        cast(path_length as integer) as path_length,
        cast(conversions as bigint) as conversions,
        cast(unconverted_journeys as bigint) as unconverted_journeys,
        {{ safe_ratio('conversions', 'conversions + unconverted_journeys') }} as conversion_rate,
        {{ safe_ratio(
            'conversions', 'sum(conversions) over (partition by conversion_type, window_days)'
        ) }} as conversions_share,
        cast(revenue_usd as decimal(18, 2)) as revenue_usd,
        {{ round_half(share('touches', 'conversions + unconverted_journeys'), 6) }}
            as mean_touches,
        {{ round_half(share('seconds_to_convert', 'nullif(conversions, 0) * 86400'), 6) }}
            as mean_days_to_convert,
        {{ round_half(share('median_seconds', '86400'), 6) }} as median_days_to_convert,
        {{ round_half(share('p90_seconds', '86400'), 6) }} as p90_days_to_convert
    from summed

)

select * from reported
