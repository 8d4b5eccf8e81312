with

source as (

    select * from {{ source('ingest', 'loads') }}

),

renamed as (

    select
        load_id,
        source,
        status,
        row_count,
        rejected_count,
        window_count,
        planned_window_count,
        error_messages,
        {{ to_utc('started_at') }} as started_at,
        {{ to_utc('finished_at') }} as finished_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
