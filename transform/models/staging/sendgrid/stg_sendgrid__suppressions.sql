with

source as (

    select * from {{ source('sendgrid', 'suppressions') }}

),

renamed as (

    select
        account_id,
        suppression_type,
        group_id,
        group_name,
        email_key,
        status as status_code,
        reason as suppression_reason,
        {{ to_utc('created_at') }} as suppressed_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
