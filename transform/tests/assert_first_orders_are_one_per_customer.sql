-- a customer is new once: CAC divides by them
{{ config(tags=['business_logic']) }}

with

orders as (

    select * from {{ ref('int_orders__revenue') }}

),

violations as (

    select
        customer_key,
        count(case when is_first_order then 1 end) as first_orders
    from orders
    where customer_key is not null
    group by customer_key
    having count(case when is_first_order then 1 end) > 1

)

select * from violations
