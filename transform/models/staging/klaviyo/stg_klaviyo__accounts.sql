with

source as (

    select * from {{ source('klaviyo', 'accounts') }}

),

renamed as (

    select
        account_id,
        organization_name as account_name,
        preferred_currency as currency,
        timezone as time_zone,
        coalesce(is_test_account, false) as is_test_account,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
