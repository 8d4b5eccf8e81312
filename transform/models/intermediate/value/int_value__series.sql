with

histories as (

    select * from {{ ref('int_value__distinct_histories') }}

),

parameters as (

    select * from {{ ref('int_value__parameters') }}

),

horizons as (
    {{ value_horizons() }}
),

placed as (

    select
        histories.cut_off,
        histories.frequency,
        histories.recency_days,
        histories.age_days,
        horizons.horizon_days,
        parameters.a + parameters.b - 1 - parameters.r as upper_1,
        parameters.a - 2 as upper_2,
        parameters.a + parameters.b + histories.frequency - 1 as lower_1,
        horizons.horizon_days / 7e0
        / (parameters.alpha_weeks + (histories.age_days + horizons.horizon_days) / 7e0)
            as horizon_share
    from histories
    inner join parameters on histories.cut_off = parameters.cut_off
    cross join horizons

),

last_terms as (

    select
        *,
        {{ gauss_last() }}
    from placed

),

rest as (

    select
        *,
        {{ gauss_rest() }}
    from last_terms

),

{{ gauss_terms() }},

series as (

    select
        cut_off,
        frequency,
        recency_days,
        age_days,
        horizon_days,
        lower_1,
        horizon_share,
        series,
        series_slope
    from from_0

)

select * from series
