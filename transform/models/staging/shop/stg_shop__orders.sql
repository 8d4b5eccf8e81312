with

source as (

    select * from {{ source('shop', 'orders') }}

),

renamed as (

    select
        order_id,
        customer_key,
        currency,
        {{ cents_to_amount('total_cents') }} as order_total,
        is_first_order <> 0 as is_first_order,
        order_date,
        {{ to_utc('ordered_at') }} as ordered_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
