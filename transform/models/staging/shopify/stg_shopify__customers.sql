with

source as (

    select * from {{ source('shopify', 'customers') }}

),

renamed as (

    select
        customer_key,
        email_key,
        country,
        marketing_state,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
