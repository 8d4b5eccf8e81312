with

source as (

    select * from {{ source('meta_ads', 'accounts') }}

),

renamed as (

    select
        account_id,
        name as account_name,
        currency,
        timezone_name as time_zone,
        account_status,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
