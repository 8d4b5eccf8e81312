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

touched as (

    select
        credits.*,
        conversions.conversion_type,
        conversions.conversion_date,
        conversions.converted_at,
        case
            when credits.touch_position > 0 then touchpoints.channel
            when conversions.is_refunded then 'refunded'
            else 'unattributed'
        end as channel,
        touchpoints.platform,
        touchpoints.campaign_id,
        touchpoints.touch_date,
        touchpoints.touched_at
    from credits
    inner join conversions on credits.conversion_id = conversions.conversion_id
    left join touchpoints on credits.touchpoint_id = touchpoints.touchpoint_id

),

united as (

    {{ credits_by_model() }}

)

select * from united
