with

source as (

    select * from {{ source('shopify', 'orders') }}

),

customers as (

    select * from {{ source('shopify', 'customers') }}

),

counted as (

    -- test orders and those whose payment never came are none
    select * from source
    where not coalesce(is_test, false) and coalesce(financial_status, '') <> 'voided'

),

numbered as (

    select
        counted.*,
        row_number() over (
            partition by counted.customer_key order by counted.processed_at, counted.order_id
        ) as order_number,
        count(*) over (partition by counted.customer_key) as loaded_count,
        customers.orders_count
    from counted
    left join customers on counted.customer_key = customers.customer_key

),

renamed as (

    select
        order_id,
        order_name,
        customer_key,
        presentment_currency as currency,
        cast(presentment_total_price as decimal(18, 2)) as order_total,
        currency as shop_currency,
        cast(total_price as decimal(18, 2)) as order_total_shop,
        cast(total_discounts as decimal(18, 2)) as discounts_shop,
        -- the first of those loaded, unless the customer has more: they are older. Who orders
        -- without an account is a new customer every time
        customer_key is null
        or (order_number = 1 and coalesce(orders_count, 0) <= loaded_count) as is_first_order,
        financial_status,
        source_name,
        landing_site,
        referring_site,
        order_date,
        {{ to_utc('processed_at') }} as ordered_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from numbered

)

select * from renamed
