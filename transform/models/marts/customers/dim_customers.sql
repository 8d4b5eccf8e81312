with

customers as (

    select * from {{ ref('int_identity__customers') }}

),

sessions as (

    select * from {{ ref('int_identity__sessions') }}

),

owned as (

    select
        customer_key,
        count(distinct device_key) as device_count
    from sessions
    where is_stitched
    group by customer_key

),

known as (

    select
        customers.customer_key,
        customers.country,
        not customers.has_denied_marketing as accepts_marketing,
        coalesce(owned.device_count, 0) as device_count,
        {{ month_start('customers.created_at') }} as created_month,
        customers.created_at
    from customers
    left join owned on customers.customer_key = owned.customer_key

)

select * from known
