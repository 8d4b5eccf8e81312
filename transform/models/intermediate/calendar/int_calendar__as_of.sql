with

orders as (

    select * from {{ ref('stg_' ~ var('orders_source') ~ '__orders') }}

),

latest as (

    select max(order_date) as latest_order_date from orders

),

as_of as (

    select {{ as_of_date('latest_order_date') }} as as_of_date from latest

)

select * from as_of
