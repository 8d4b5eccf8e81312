with

source as (

    select * from {{ source('hubspot', 'owners') }}

),

renamed as (

    select
        owner_id,
        email_key,
        coalesce(is_archived, false) as is_archived,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
