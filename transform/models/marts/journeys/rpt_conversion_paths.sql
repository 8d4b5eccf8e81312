with

steps as (

    select * from {{ ref('int_journeys__steps') }}

),

types as (
    {{ conversion_types() }}
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
        max(seconds_to_conversion) / 86400 as days_to_convert
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
            order by journeys.days_to_convert, journeys.journey_id
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
        avg(cast(touches as double)) as mean_touches,
        avg(case when is_converted then days_to_convert end) as mean_days_to_convert,
        max(
            case
                when is_converted and days_rank = ceil(path_journeys * 0.5) then days_to_convert
            end
        ) as median_days_to_convert,
        max(
            case
                when is_converted and days_rank = ceil(path_journeys * 0.9) then days_to_convert
            end
        ) as p90_days_to_convert
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
        round(mean_touches, 6) as mean_touches,
        round(mean_days_to_convert, 6) as mean_days_to_convert,
        round(median_days_to_convert, 6) as median_days_to_convert,
        round(p90_days_to_convert, 6) as p90_days_to_convert
    from summed

)

select * from reported
