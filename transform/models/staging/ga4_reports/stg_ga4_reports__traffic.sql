with

source as (

    select * from {{ source('ga4_reports', 'traffic') }}

),

renamed as (

    select
        property_id,
        date as report_date,
        session_source,
        session_medium,
        session_campaign_name as session_campaign,
        session_default_channel_group as ga4_channel_group,
        currency,
        sessions,
        coalesce(engaged_sessions, 0) as engaged_sessions,
        coalesce(total_users, 0) as total_users,
        coalesce(key_events, 0) as key_events,
        coalesce(total_revenue, 0) as revenue,
        is_sampled,
        is_thresholded,
        is_other,
        not is_sampled and not is_thresholded and not has_other_row as is_exact,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
