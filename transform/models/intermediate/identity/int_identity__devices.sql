with

sessions as (

    select * from {{ ref('int_web__sessions') }}

),

purchases as (

    select * from {{ ref('int_web__purchases') }}

),

orders as (

    select * from {{ ref('stg_' ~ var('orders_source') ~ '__orders') }}

),

customers as (

    select * from {{ ref('stg_' ~ var('orders_source') ~ '__customers') }}

),

evidence as (

    select
        sessions.device_key,
        customers.customer_key,
        sessions.ended_at as seen_at,
        'login' as evidence
    from sessions
    inner join customers on sessions.customer_key = customers.customer_key

    union all

    select
        purchases.device_key,
        orders.customer_key,
        purchases.purchased_at as seen_at,
        'order' as evidence
    from purchases
    inner join orders on purchases.order_id = orders.order_id

),

ranked as (

    -- a shared device belongs to the person seen on it last
    select
        *,
        row_number() over (
            partition by device_key
            order by seen_at desc, evidence desc, customer_key asc
        ) as evidence_rank,
        min(customer_key) over (partition by device_key)
        != max(customer_key) over (partition by device_key) as is_shared
    from evidence

),

known as (

    select * from ranked
    where evidence_rank = 1

),

all_devices as (

    select distinct device_key from sessions

    {{ union_distinct() }}

    select distinct device_key from evidence

),

devices as (

    select
        all_devices.device_key,
        coalesce(known.customer_key, all_devices.device_key) as person_key,
        known.customer_key,
        known.evidence,
        known.customer_key is not null as is_stitched,
        coalesce(known.is_shared, false) as is_shared,
        known.seen_at as stitched_at
    from all_devices
    left join known on all_devices.device_key = known.device_key

)

select * from devices
