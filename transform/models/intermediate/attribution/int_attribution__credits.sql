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

paid_channels as (

    select sum({{ hash_of(['channel', 'is_paid']) }}) as channel_signature from channels

),

noted as (
    {{ noted_touches(is_incremental()) }}
),

changed_buckets as (
    {{ changed_buckets(is_incremental()) }}
),

signed_conversions as (

    -- the signature: what the credit of a conversion depends on beside its touches, in one number
    select
        conversions.*,
        {{ signature_of([
            'conversions.person_key', 'conversions.converted_at', 'conversions.is_refunded',
            'conversions.revenue_usd', 'paid_channels.channel_signature',
            "'" ~ attribution_settings() ~ "'"
        ]) }} as conversion_signature
    from conversions
    cross join paid_channels

),

looked_at as (

    select
        signed_conversions.*,
        known.touch_signature as known_touch_signature,
        coalesce(known.conversion_signature = signed_conversions.conversion_signature, false)
            as is_like_known
    from signed_conversions
    cross join noted
    left join known on signed_conversions.conversion_id = known.conversion_id
    left join changed_buckets
        on {{ person_bucket('signed_conversions.person_key') }} = changed_buckets.bucket
    where
        known.conversion_signature is null
        or known.conversion_signature <> signed_conversions.conversion_signature
        or changed_buckets.bucket is not null
        or signed_conversions.converted_at > noted.until_at

),

before_conversion as (

    select
        looked_at.conversion_id,
        touchpoints.touchpoint_id,
        touchpoints.ga_session_number,
        touchpoints.channel <> 'direct' as is_non_direct,
        coalesce(channels.is_paid, false) as is_paid,
        touchpoints.consent_window_days,
        {{ seconds_between('touchpoints.touched_at', 'looked_at.converted_at') }}
            as seconds_to_conversion
    from looked_at
    inner join touchpoints
        on looked_at.person_key = touchpoints.person_key
        and looked_at.converted_at >= touchpoints.touched_at
    left join channels on touchpoints.channel = channels.channel
    where not looked_at.is_refunded

),

reached as (

    -- a touch exactly one window before the conversion still counts, one second more does not; of
    -- who refuses some purpose, no touch from before the window that is left to her
    select * from before_conversion
    where
        seconds_to_conversion <= {{ widest_window_days() * 86400 }}
        and seconds_to_conversion
        <= coalesce(consent_window_days, {{ widest_window_days() }}) * 86400

),

signed as (

    select
        conversion_id,
        sum(
            {{ hash_of([
                'touchpoint_id', 'ga_session_number', 'is_non_direct', 'is_paid',
                'seconds_to_conversion'
            ]) }}
        ) as touch_sum,
        min(seconds_to_conversion) as newest_seconds
    from reached
    group by conversion_id

),

judged as (

    select
        looked_at.*,
        signed.newest_seconds,
        {{ signature_of(['signed.touch_sum']) }} as touch_signature
    from looked_at
    left join signed on looked_at.conversion_id = signed.conversion_id

),

changed as (

    select
        conversion_id,
        is_refunded,
        revenue_usd,
        newest_seconds,
        touch_signature,
        conversion_signature
    from judged
    where not is_like_known or touch_signature <> known_touch_signature

),

weighted as (

    select
        reached.*,
        changed.revenue_usd,
        changed.touch_signature,
        changed.conversion_signature,
        {{ time_decay_weight('(reached.seconds_to_conversion - changed.newest_seconds)') }}
            as touch_weight
    from reached
    inner join changed on reached.conversion_id = changed.conversion_id

),

ranked as (

    -- counted from the newest touch on: so each window is the beginning of the wider ones
    select
        *,
        row_number() over (
            partition by conversion_id
            order by seconds_to_conversion asc, ga_session_number desc, touchpoint_id desc
        ) as recency,
        sum(touch_weight) over ({{ from_the_newest() }}) as weight_until_here,
        {{ kind_columns(
            'sum(case when is_KIND then 1 else 0 end) over (' ~ from_the_newest()
            ~ ') as KIND_rank'
        ) }}
        {{ kind_columns(
            'min(case when is_KIND then seconds_to_conversion end) over'
            ~ ' (partition by conversion_id) as seconds_since_KIND'
        ) }}
        {{ window_counts() }},
        {{ window_weights() }}
    from weighted

),

windowed as (

    select
        ranked.*,
        {{ kind_columns('ranked.is_KIND and ranked.KIND_rank = 1 as is_last_KIND') }}
        windows.window_days,
        {{ of_window('ranked.touches') }} as touch_count,
        {{ of_window('ranked.touches') }} - ranked.recency + 1 as touch_position,
        {{ of_window('ranked.weight') }} as window_weight,
        ranked.weight_until_here - ranked.touch_weight as later_weight
    from ranked
    inner join windows on ranked.seconds_to_conversion <= windows.window_days * 86400

),

placed as (

    -- how far between the first and the last touch, with this touch and without
    select
        *,
        {{ share('touch_position - 1', 'nullif(touch_count - 2, 0)') }} as middle_shared,
        {{ share('touch_position - 2', 'nullif(touch_count - 2, 0)') }} as middle_before,
        {{ as_double('abs(revenue_usd) * 100') }} as revenue_cents,
        {{ as_double('sign(revenue_usd)') }} as revenue_sign
    from windowed

),

shared as (

    select
        *,
        {{ touch_shares() }}
    from placed

),

attributed as (

    select
        conversion_id,
        window_days,
        cast(touch_position as integer) as touch_position,
        cast(touch_count as integer) as touch_count,
        touchpoint_id,
        {{ as_double('seconds_to_conversion') }} as seconds_to_conversion,
        {{ touch_credits() }},
        {{ kept_signature('touch_signature', 'recency = 1') }},
        {{ kept_signature('conversion_signature', 'recency = 1') }}
    from shared

),

untouched as (

    -- nothing is lost: without a touch in the window, or refunded wholly, a row of its own
    select
        changed.*,
        windows.window_days
    from changed
    inner join windows
        on changed.newest_seconds is null
        or changed.newest_seconds > windows.window_days * 86400

),

unattributed as (

    select
        conversion_id,
        window_days,
        0 as touch_position,
        0 as touch_count,
        {{ as_text('null') }} as touchpoint_id,
        {{ as_double('null') }} as seconds_to_conversion,
        {{ whole_credits() }},
        {{ kept_signature('touch_signature') }},
        {{ kept_signature('conversion_signature') }}
    from untouched

),

credits as (

    select * from attributed

    union all

    select * from unattributed

)

select * from credits
