with

source as (

    select * from {{ source('klaviyo', 'flows') }}

),

renamed as (

    select
        flow_id,
        flow_name,
        status as flow_status,
        coalesce(is_archived, false) as is_archived,
        trigger_type,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
