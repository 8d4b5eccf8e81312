with

source as (

    select * from {{ source('shopify', 'refunds') }}

),

orders as (

    select * from {{ ref('stg_shopify__orders') }}

),

renamed as (

    select
        source.refund_id,
        source.order_id,
        source.currency,
        cast(source.amount as decimal(18, 2)) as refund_amount,
        source.refund_date,
        {{ to_utc('source.created_at') }} as refunded_at,
        {{ to_utc('source.created_at') }} as updated_at,
        {{ to_utc('source._loaded_at') }} as loaded_at
    from source
    inner join orders on source.order_id = orders.order_id

)

select * from renamed
