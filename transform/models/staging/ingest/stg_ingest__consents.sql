with

source as (

    select * from {{ source('ingest', 'consents') }}

),

renamed as (

    select
        pseudonym as person_key,
        purpose,
        is_granted,
        {{ to_utc('changed_at') }} as changed_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
