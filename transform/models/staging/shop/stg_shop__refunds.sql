with

source as (

    select * from {{ source('shop', 'refunds') }}

),

renamed as (

    select
        refund_id,
        order_id,
        currency,
        {{ cents_to_amount('amount_cents') }} as refund_amount,
        cast({{ to_utc('refunded_at') }} as date) as refund_date,
        {{ to_utc('refunded_at') }} as refunded_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
