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

nodes as (
    {{ leaving_nodes() }}
),

ages as (

    -- of who goes on, the day of the last purchase tells nothing
    select
        cut_off,
        frequency,
        age_days
    from histories
    group by cut_off, frequency, age_days

),

placed as (

    select
        ages.cut_off,
        ages.frequency,
        ages.age_days,
        horizons.horizon_days,
        parameters.a as leaving_shape,
        parameters.b + ages.frequency as staying_shape,
        parameters.r + ages.frequency as rate_shape,
        horizons.horizon_days / 7e0
        / (parameters.alpha_weeks + ages.age_days / 7e0) as horizon_ratio
    from ages
    inner join parameters on ages.cut_off = parameters.cut_off
    cross join horizons

),

ranged as {{ planned_alone() }} (

    select
        *,
        {{ first_logit() }} as first_logit,
        {{ last_logit() }} as last_logit
    from placed

),

points as (

    select
        ranged.*,
        nodes.node,
        (ranged.last_logit - ranged.first_logit) / {{ last_node() }}e0 as step,
        ranged.first_logit
        + (ranged.last_logit - ranged.first_logit) * nodes.node / {{ last_node() }}e0 as logit
    from ranged
    cross join nodes

),

chances as {{ planned_alone() }} (

    select
        *,
        1e0 / (1e0 + exp(-logit)) as leaving,
        1e0 / (1e0 + exp(logit)) as staying
    from points

),

weighted as {{ planned_alone() }} (

    select
        *,
        horizon_ratio * leaving as ratio,
        {{ leaving_weight() }} as weight
    from chances

),

without_purchase as {{ planned_alone() }} (

    select
        *,
        {{ bounded_exp('-rate_shape * ln(1e0 + ratio)') }} as no_purchase
    from weighted

),

with_one as {{ planned_alone() }} (

    select
        *,
        rate_shape * ratio / (1e0 + ratio) * no_purchase as one_purchase
    from without_purchase

),

with_more as {{ planned_alone() }} (

    select
        *,
        {{ more_than_one() }} as more_purchases
    from with_one

),

means as (

    -- over the chance to leave: of purchases, and of purchases times one fewer
    select
        cut_off,
        frequency,
        age_days,
        horizon_days,
        sum(weight * (one_purchase + more_purchases) / leaving) / sum(weight) as purchases,
        2e0 * sum(weight * staying * more_purchases / (leaving * leaving)) / sum(weight) as pairs
    from with_more
    group by cut_off, frequency, age_days, horizon_days

),

if_alive as (

    select
        cut_off,
        frequency,
        age_days,
        horizon_days,
        {{ round_possible('purchases', 9) }} as purchases,
        {{ round_possible('pairs', 9) }} as pairs
    from means

)

select * from if_alive
