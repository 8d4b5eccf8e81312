with

moves as (

    select * from {{ ref('int_markov__moves') }}

),

walk_0 as (

    select * from {{ ref('int_markov__starts') }}

),

{{ markov_walk() }}

select * from walked
