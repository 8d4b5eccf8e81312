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

days as (
    {{ day_signatures() }}
),

known_days as (
    {{ known_days(is_incremental()) }}
),

windows as (
    {{ attribution_windows() }}
),

changed_days as (

    -- of a day that has no rows any more, too
    select
        coalesce(days.kind, known_days.kind) as kind,
        coalesce(days.day_date, known_days.day_date) as day_date,
        coalesce(days.signature, 0) as signature
    from days
    full outer join known_days
        on days.kind = known_days.kind and days.day_date = known_days.day_date
    where coalesce(days.signature, 0) <> coalesce(known_days.signature, 0)

),

compared as (
    {{ conversions_to_compare(is_incremental()) }}

),

before_conversion as (

    select
        compared.conversion_id,
        touchpoints.touchpoint_id,
        touchpoints.ga_session_number,
        touchpoints.channel <> 'direct' as is_non_direct,
        coalesce(channels.is_paid, false) as is_paid,
        touchpoints.consent_window_days,
        {{ seconds_between('touchpoints.touched_at', 'compared.converted_at') }}
            as seconds_to_conversion
    from compared
    inner join touchpoints
        on compared.person_key = touchpoints.person_key
        and compared.converted_at >= touchpoints.touched_at
    left join channels on touchpoints.channel = channels.channel
    where not compared.is_refunded

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

    -- the signature: what the credit of a conversion depends on, in one number
    select
        conversion_id,
        sum(
            {{ hash_of([
                'touchpoint_id', 'ga_session_number', 'is_non_direct', 'is_paid',
                'seconds_to_conversion'
            ]) }}
        ) as touch_signature,
        min(seconds_to_conversion) as newest_seconds
    from reached
    group by conversion_id

),

judged as (

    select
        compared.conversion_id,
        signed.newest_seconds,
        compared.is_refunded,
        compared.revenue_usd,
        {{ as_signature(hash_of([
            'compared.is_refunded', 'compared.revenue_usd', 'signed.touch_signature',
            "'" ~ attribution_settings() ~ "'"
        ])) }} as signature
    from compared
    left join signed on compared.conversion_id = signed.conversion_id

),

changed as (

    select judged.*
    from judged
    left join known on judged.conversion_id = known.conversion_id
    where known.conversion_id is null or judged.signature <> known.signature

),

weighted as (

    select
        reached.*,
        changed.revenue_usd,
        changed.signature,
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
        {{ touch_shares() }}
        placed.*
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
        {{ kept_signature('recency = 1') }} as signature
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
        {{ kept_signature() }} as signature
    from untouched

),

seen_days as (

    -- with the credits, so that no run sees a day without them; a row for each that has changed
    select
        {{ as_text('day_date') }} || ' ' || kind as conversion_id,
        0 as window_days,
        -1 as touch_position,
        0 as touch_count,
        {{ as_text('null') }} as touchpoint_id,
        {{ as_double('null') }} as seconds_to_conversion,
        {{ no_credits() }},
        signature
    from changed_days

),

credits as (

    select * from attributed

    union all

    select * from unattributed

    union all

    select * from seen_days

)

select * from credits
