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

placed as (
    {{ named_credits() }}
    where credits.window_days = {{ var('default_attribution_window_days') }}
        and touchpoints.campaign_id is not null
),

dated as (
    {{ credits_by_day(['channel', 'platform', 'campaign_id', 'conversion_type']) }}
),

daily as (
    {{ day_credits_by_model(['channel', 'platform', 'campaign_id', 'conversion_type']) }}
)

select * from daily
