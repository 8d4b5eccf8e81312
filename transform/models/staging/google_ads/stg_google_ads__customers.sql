with

source as (

    select * from {{ source('google_ads', 'customers') }}

),

renamed as (

    select
        customer_id as account_id,
        name as account_name,
        currency,
        timezone_name as time_zone,
        is_manager,
        status as account_status,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
