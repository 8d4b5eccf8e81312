with

credits as (

    select * from {{ ref('int_attribution__credits') }}

),

united as (

    {{ credits_by_model() }}

)

select * from united
