with

source as (

    select * from {{ source('hubspot', 'deal_associations') }}

),

renamed as (

    select
        deal_id,
        object_type,
        object_id,
        association_type_id,
        association_label,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
