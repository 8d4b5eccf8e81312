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

loaded as (
    -- days whose spend is known: what was touched on others must not raise a ROAS
    {{ loaded_spend_days() }}
),

named as (
    {{ named_credits() }}
),

placed as (

    select
        named.*,
        loaded.platform is not null as has_spend
    from named
    left join loaded
        on named.platform = loaded.platform
        and named.touch_date between loaded.first_date and loaded.last_date

),

dated as (
    {{ credits_by_day(['channel', 'has_spend', 'conversion_type', 'window_days']) }}
),

daily as (
    {{ day_credits_by_model(['channel', 'has_spend', 'conversion_type', 'window_days']) }}
)

select * from daily
