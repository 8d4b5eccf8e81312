-- who refused analytics is in no customer mart
{{ config(tags=['customer_consent']) }}

with

opted_out as (

    select customer_key from {{ ref('int_consent__customers') }}
    where is_opted_out

),

named as (

    select customer_key from {{ ref('dim_customers') }}

    union all

    select customer_key from {{ ref('fct_customer_value') }}

    union all

    select customer_key from {{ ref('fct_customer_rfm') }}

    union all

    select customer_key from {{ ref('fct_customer_lifetime_value') }}

    union all

    select customer_key from {{ ref('int_value__predictions') }}

),

violations as (

    select named.customer_key
    from named
    inner join opted_out on named.customer_key = opted_out.customer_key

)

select * from violations
