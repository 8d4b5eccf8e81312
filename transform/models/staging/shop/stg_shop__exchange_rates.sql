with

source as (

    select * from {{ source('shop', 'exchange_rates') }}

),

renamed as (

    select
        currency,
        rate_date,
        usd_per_unit,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
