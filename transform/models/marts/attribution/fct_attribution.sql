with

credits as (

    select * from {{ ref('int_attribution__credits') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

touched as (
    {{ named_credits() }}
),

united as (

    {{ credits_by_model() }}

)

select * from united
