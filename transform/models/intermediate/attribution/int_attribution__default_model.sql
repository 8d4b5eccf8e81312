with

attribution as (

    select * from {{ ref('fct_attribution') }}

),

asked_for as (

    select
        conversion_id,
        touch_position,
        touchpoint_id,
        conversion_type,
        channel,
        platform,
        campaign_id,
        credit,
        revenue_usd,
        touch_date,
        conversion_date
    from attribution
    where model = '{{ var("default_attribution_model") }}' and is_own_window

)

select * from asked_for
