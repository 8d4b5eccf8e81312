-- who refused analytics is named by no touch and no conversion
{{ config(tags=['consent']) }}

with

opted_out as (

    select customer_key from {{ ref('int_consent__customers') }}
    where is_opted_out

),

named as (

    select person_key from {{ ref('fct_touchpoints') }}

    union all

    select person_key from {{ ref('fct_conversions') }}

),

violations as (

    select named.person_key
    from named
    inner join opted_out on named.person_key = opted_out.customer_key

)

select * from violations
