with

source as (

    select * from {{ source('hubspot', 'emails') }}

),

renamed as (

    select
        email_id as marketing_email_id,
        campaign_id,
        email_name,
        subject_line,
        sender_domain,
        type as email_type,
        state as email_state,
        coalesce(is_published, false) as is_published,
        coalesce(is_archived, false) as is_archived,
        {{ to_utc('published_at') }} as published_at,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
