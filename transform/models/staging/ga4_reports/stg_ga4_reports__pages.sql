with

source as (

    select * from {{ source('ga4_reports', 'pages') }}

),

renamed as (

    select
        property_id,
        date as report_date,
        page_path,
        views as page_view_count,
        coalesce(total_users, 0) as total_users,
        coalesce(engagement_seconds, 0) as engagement_seconds,
        is_sampled,
        is_thresholded,
        is_other,
        not is_sampled and not is_thresholded and not has_other_row as is_exact,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
