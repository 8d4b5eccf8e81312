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

side_by_side as (

    -- here, where there are few rows: customers of one age and frequency share theirs
    select
        cut_off,
        frequency,
        {% for days in horizons_days() %}
            {{ of_horizon('purchases', days) }} as purchases_{{ days }}d,
            {{ of_horizon('pairs', days) }} as pairs_{{ days }}d,
        {% endfor %}
        age_days
    from if_alive
    group by cut_off, frequency, age_days

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
        {% for days in horizons_days() %}
            {{ round_half('alive.probability_alive * side_by_side.purchases_' ~ days ~ 'd', 9) }}
                as expected_purchases_{{ days }}d,
            {{ round_half(
                'alive.probability_alive * (side_by_side.purchases_' ~ days ~ 'd'
                ~ ' + side_by_side.pairs_' ~ days ~ 'd)', 9
            ) }} as expected_square_{{ days }}d,
        {% endfor %}
        {{ round_half('alive.probability_alive', 9) }} as probability_alive
    from alive
    inner join side_by_side
        on alive.cut_off = side_by_side.cut_off
        and alive.frequency = side_by_side.frequency
        and alive.age_days = side_by_side.age_days

)

select * from expectations
