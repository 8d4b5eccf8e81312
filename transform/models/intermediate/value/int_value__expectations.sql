with

series as (

    select * from {{ ref('int_value__series') }}

),

parameters as (

    select * from {{ ref('int_value__parameters') }}

),

given as (

    select
        series.*,
        parameters.r,
        parameters.alpha_weeks,
        parameters.a,
        parameters.b,
        -- 2F1 with its second parameter one higher, by a relation of Gauss
        series.series + series.series_slope / (parameters.a - 2) as next_series,
        power(1 - series.horizon_share, parameters.a - 2) as still
    from series
    inner join parameters on series.cut_off = parameters.cut_off

),

alive as (

    select
        *,
        case
            when frequency = 0 then 1e0
            else 1 / (
                    1 + a / (b + frequency - 1) * exp(
                    -- beyond this nobody is alive, and no double holds it
                        least(
                            (r + frequency) * ln(
                                (alpha_weeks + age_days / 7e0) / (alpha_weeks + recency_days / 7e0)
                            ),
                            600e0
                        )
                    )
                )
        end as probability_alive,
        -- of a customer who goes on: the mean of purchases, and of purchases times one fewer
        lower_1 / (a - 1) * (1 - still * (1 - horizon_share) * next_series) as mean_if_alive,
        2 * (b + frequency) * lower_1 / ((a - 1) * (a - 2)) * (
            1 - still * (
                (1 + (a - 2) * horizon_share) * series - (1 - horizon_share) * series_slope
            )
        ) as pairs_if_alive
    from given

),

expectations as (

    select
        cut_off,
        frequency,
        recency_days,
        age_days,
        horizon_days,
        {{ round_half('probability_alive', 9) }} as probability_alive,
        {{ round_half('probability_alive * mean_if_alive', 9) }} as expected_purchases,
        {{ round_half('probability_alive * (mean_if_alive + pairs_if_alive)', 9) }}
            as expected_square
    from alive

)

select * from expectations
