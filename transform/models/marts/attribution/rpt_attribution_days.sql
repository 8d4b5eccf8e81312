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

spend as (

    select * from {{ ref('fct_ad_spend') }}

),

platforms_with_spend as (

    select distinct platform
    from spend

),

named as (
    {{ named_credits() }}
),

placed as (

    -- a platform whose spend is not loaded must not raise a ROAS
    select
        named.*,
        platforms_with_spend.platform is not null as has_spend
    from named
    left join platforms_with_spend on named.platform = platforms_with_spend.platform

),

dated as (
    {{ credits_by_day(['channel', 'has_spend', 'conversion_type', 'window_days']) }}
),

daily as (
    {{ day_credits_by_model(['channel', 'has_spend', 'conversion_type', 'window_days']) }}
)

select * from daily
