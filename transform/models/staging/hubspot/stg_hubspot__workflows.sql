with

source as (

    select * from {{ source('hubspot', 'workflows') }}

),

renamed as (

    select
        workflow_id,
        workflow_name,
        flow_type,
        object_type_id,
        coalesce(is_enabled, false) as is_enabled,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
