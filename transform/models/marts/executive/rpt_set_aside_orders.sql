with

orders as (

    select * from {{ ref(orders_model('orders')) }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

later as (

    select
        orders.order_id,
        orders.currency,
        orders.order_total,
        orders.order_date,
        as_of.as_of_date,
        orders.loaded_at
    from orders
    cross join as_of
    where as_of.as_of_date is null or orders.order_date > as_of.as_of_date

)

select * from later
