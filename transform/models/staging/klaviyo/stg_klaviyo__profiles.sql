with

source as (

    select * from {{ source('klaviyo', 'profiles') }}

),

renamed as (

    select
        profile_id,
        email_key,
        email_domain,
        phone_key,
        customer_key,
        country,
        region,
        timezone as time_zone,
        email_consent,
        {{ to_utc('email_consent_at') }} as email_consent_at,
        coalesce(can_receive_email, false) as can_receive_email,
        sms_consent,
        {{ to_utc('sms_consent_at') }} as sms_consent_at,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('last_event_at') }} as last_event_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
