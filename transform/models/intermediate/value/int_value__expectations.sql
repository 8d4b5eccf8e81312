with

histories as (

    select * from {{ ref('int_value__distinct_histories') }}

),

parameters as (

    select * from {{ ref('int_value__parameters') }}

),

if_alive as (

    select * from {{ ref('int_value__if_alive') }}

),

alive as (

    select
        histories.cut_off,
        histories.frequency,
        histories.recency_days,
        histories.age_days,
        case
            when histories.frequency = 0 then 1e0
            else 1 / (
                    1 + parameters.a / (parameters.b + histories.frequency - 1)
                    -- beyond the bound nobody is alive, and no double holds it
                    * {{ bounded_exp(
                        '(parameters.r + histories.frequency) * ln('
                        ~ '(parameters.alpha_weeks + histories.age_days / 7e0)'
                        ~ ' / (parameters.alpha_weeks + histories.recency_days / 7e0))'
                    ) }}
                )
        end as probability_alive
    from histories
    inner join parameters on histories.cut_off = parameters.cut_off

),

expectations as (

    select
        alive.cut_off,
        alive.frequency,
        alive.recency_days,
        alive.age_days,
        if_alive.horizon_days,
        {{ round_half('alive.probability_alive', 9) }} as probability_alive,
        {{ round_half('alive.probability_alive * if_alive.purchases', 9) }} as expected_purchases,
        {{ round_half(
            'alive.probability_alive * (if_alive.purchases + if_alive.pairs)', 9
        ) }} as expected_square
    from alive
    inner join if_alive
        on alive.cut_off = if_alive.cut_off
        and alive.frequency = if_alive.frequency
        and alive.age_days = if_alive.age_days

)

select * from expectations
