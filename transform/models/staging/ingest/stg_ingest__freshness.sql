with

source as (

    select * from {{ source('ingest', 'freshness') }}

),

renamed as (

    select
        source,
        report,
        account_id,
        campaign_id,
        first_day,
        last_day,
        last_row_day,
        {{ to_utc('read_at') }} as read_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
