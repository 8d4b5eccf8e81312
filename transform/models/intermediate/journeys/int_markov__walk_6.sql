with

moves as (

    select * from {{ ref('int_markov__moves') }}

),

walk_0 as (

    select * from {{ ref('int_markov__walk_5') }}

),

{{ markov_walk() }}

walked as (

    select * from last_step

)

select * from walked
