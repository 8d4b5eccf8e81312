with

source as (

    select * from {{ source('hubspot', 'contacts') }}

),

renamed as (

    select
        contact_id,
        email_key,
        company_id,
        owner_id,
        country,
        lifecycle_stage,
        lead_status,
        original_source,
        coalesce(is_opted_out, false) as is_opted_out,
        coalesce(is_archived, false) as is_archived,
        {{ to_utc('archived_at') }} as archived_at,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
