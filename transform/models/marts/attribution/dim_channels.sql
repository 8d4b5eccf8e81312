with

listed as (

    select * from {{ ref('channels') }}

),

channels as (

    select
        channel,
        channel_name,
        is_paid,
        sort_order
    from listed

)

select * from channels
