with

source as (

    select * from {{ source('shop', 'targets') }}

),

renamed as (

    select
        {{ first_of_month('target_month') }} as target_month,
        metric,
        target_value,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
