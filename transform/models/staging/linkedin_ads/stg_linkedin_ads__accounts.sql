with

source as (

    select * from {{ source('linkedin_ads', 'accounts') }}

),

renamed as (

    select
        account_id,
        name as account_name,
        currency,
        timezone_name as time_zone,
        status as account_status,
        type as account_type,
        is_test,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
