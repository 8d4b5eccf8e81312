-- who refused analytics is in no session and no identity, and no order names her
{{ config(tags=['consent']) }}

with

opted_out as (

    select customer_key from {{ ref('int_consent__customers') }}
    where is_opted_out

),

named as (

    select customer_key from {{ ref('int_web__sessions') }}

    union all

    select customer_key from {{ ref('int_identity__customers') }}

    union all

    select customer_key from {{ ref('int_identity__sessions') }}

    union all

    select person_key as customer_key from {{ ref('int_identity__sessions') }}

    union all

    select customer_key from {{ ref('int_orders__revenue') }}

),

violations as (

    select named.customer_key
    from named
    inner join opted_out on named.customer_key = opted_out.customer_key

)

select * from violations
