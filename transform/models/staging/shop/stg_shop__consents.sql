with

source as (

    select * from {{ source('shop', 'consents') }}

),

renamed as (

    select
        consent_id,
        customer_key,
        purpose,
        source as decision_source,
        is_granted <> 0 as is_granted,
        {{ to_utc('changed_at') }} as changed_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
