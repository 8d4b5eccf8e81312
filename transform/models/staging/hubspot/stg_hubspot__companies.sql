with

source as (

    select * from {{ source('hubspot', 'companies') }}

),

renamed as (

    select
        company_id,
        company_name,
        domain,
        owner_id,
        country,
        nullif(industry, '') as industry,
        lifecycle_stage,
        annual_revenue,
        coalesce(is_archived, false) as is_archived,
        {{ to_utc('archived_at') }} as archived_at,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
