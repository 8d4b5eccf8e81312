with

conversions as (

    select * from {{ ref('fct_conversions') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

known as (
    {{ known_signatures(is_incremental()) }}
),

windows as (
    {{ attribution_windows() }}
),

reached as (

    -- a touch exactly one window before the conversion still counts, one second more does not
    select
        conversions.conversion_id,
        touchpoints.touchpoint_id,
        touchpoints.ga_session_number,
        touchpoints.channel,
        touchpoints.platform,
        touchpoints.campaign_id,
        touchpoints.touch_date,
        touchpoints.touched_at,
        touchpoints.channel <> 'direct' as is_non_direct,
        coalesce(channels.is_paid, false) as is_paid,
        {{ seconds_between('touchpoints.touched_at', 'conversions.converted_at') }}
            as seconds_to_conversion
    from conversions
    inner join touchpoints
        on conversions.person_key = touchpoints.person_key
        and conversions.converted_at >= touchpoints.touched_at
    left join channels on touchpoints.channel = channels.channel
    where
        not conversions.is_refunded
        and {{ seconds_between('touchpoints.touched_at', 'conversions.converted_at') }}
        <= {{ widest_window_days() * 86400 }}

),

signed as (

    -- what the credit of a conversion depends on, in one number
    select
        conversion_id,
        sum(
            {{ hash_of([
                'touchpoint_id', 'ga_session_number', 'channel', 'platform', 'campaign_id',
                'is_paid', 'touched_at'
            ]) }}
        ) as touch_signature
    from reached
    group by conversion_id

),

judged as (

    select
        conversions.*,
        cast(
            {{ hash_of([
                'conversions.person_key', 'conversions.conversion_type', 'conversions.is_refunded',
                'conversions.revenue_usd', 'conversions.conversion_date',
                'conversions.converted_at', "'" ~ attribution_settings() ~ "'"
            ]) }} + coalesce(signed.touch_signature, 0) as {{ type_decimal(38, 0) }}
        ) as signature
    from conversions
    left join signed on conversions.conversion_id = signed.conversion_id

),

changed as (

    select judged.*
    from judged
    left join known on judged.conversion_id = known.conversion_id
    where known.conversion_id is null or judged.signature <> known.signature

),

aged as (

    select
        reached.*,
        changed.conversion_type,
        changed.revenue_usd,
        changed.signature,
        changed.conversion_date,
        changed.converted_at,
        min(reached.seconds_to_conversion) over (partition by reached.conversion_id)
            as newest_seconds
    from reached
    inner join changed on reached.conversion_id = changed.conversion_id

),

weighted as (

    select
        *,
        {{ time_decay_weight('(seconds_to_conversion - newest_seconds)') }} as touch_weight
    from aged

),

ranked as (

    -- counted from the newest touch on: so each window is the beginning of the wider ones
    select
        *,
        row_number() over (
            partition by conversion_id
            order by touched_at desc, ga_session_number desc, touchpoint_id desc
        ) as recency,
        sum(touch_weight) over ({{ from_the_newest() }}) as weight_until_here,
        sum(case when is_non_direct then 1 else 0 end) over ({{ from_the_newest() }})
            as non_direct_rank,
        sum(case when is_paid then 1 else 0 end) over ({{ from_the_newest() }}) as paid_rank,
        min(case when is_non_direct then seconds_to_conversion end) over (
            partition by conversion_id
        ) as seconds_since_non_direct,
        min(case when is_paid then seconds_to_conversion end) over (
            partition by conversion_id
        ) as seconds_since_paid,
        {{ window_sums() }}
    from weighted

),

windowed as (

    select
        ranked.*,
        windows.window_days,
        {{ of_window('touches') }} as touch_count,
        {{ of_window('weight') }} as window_weight,
        ranked.weight_until_here - ranked.touch_weight as later_weight,
        ranked.is_non_direct and ranked.non_direct_rank = 1 as is_last_non_direct,
        ranked.is_paid and ranked.paid_rank = 1 as is_last_paid
    from ranked
    inner join windows on ranked.seconds_to_conversion <= windows.window_days * 86400

),

numbered as (

    select
        *,
        touch_count - recency + 1 as touch_position
    from windowed

),

attributed as (

    select
        conversion_id,
        conversion_type,
        window_days,
        cast(touch_position as integer) as touch_position,
        cast(touch_count as integer) as touch_count,
        touchpoint_id,
        channel,
        platform,
        campaign_id,
        {{ as_double('seconds_to_conversion') }} as seconds_to_conversion,
        {{ touch_credits() }},
        touch_date,
        touched_at,
        conversion_date,
        converted_at,
        signature
    from numbered

),

untouched as (

    -- nothing is lost: without a touch in the window, or refunded wholly, a row of its own
    select
        changed.*,
        windows.window_days
    from changed
    cross join windows
    left join ranked on changed.conversion_id = ranked.conversion_id and ranked.recency = 1
    where
        ranked.conversion_id is null
        or ranked.seconds_to_conversion > windows.window_days * 86400

),

unattributed as (

    select
        conversion_id,
        conversion_type,
        window_days,
        0 as touch_position,
        0 as touch_count,
        {{ as_text('null') }} as touchpoint_id,
        case when is_refunded then 'refunded' else 'unattributed' end as channel,
        {{ as_text('null') }} as platform,
        {{ as_text('null') }} as campaign_id,
        {{ as_double('null') }} as seconds_to_conversion,
        {{ whole_credits() }},
        cast(null as date) as touch_date,
        cast(null as timestamp) as touched_at,
        conversion_date,
        converted_at,
        signature
    from untouched

),

credits as (

    select * from attributed

    union all

    select * from unattributed

)

select * from credits
