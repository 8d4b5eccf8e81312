with

source as (

    select * from {{ source('ga4', 'user_properties') }}

),

renamed as (

    select
        event_date,
        device_key,
        property_name,
        string_value,
        int_value,
        double_value,
        coalesce(string_value, {{ as_text('int_value') }}, {{ as_text('double_value') }})
            as property_value,
        {{ to_utc('set_at') }} as set_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
