-- conversions of opted-out customers stay, without a touch
{{ config(tags=['consent']) }}

with

attribution as (

    select * from {{ ref('fct_attribution') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

violations as (

    select
        attribution.conversion_id,
        attribution.model,
        attribution.window_days,
        attribution.touch_position
    from attribution
    inner join conversions on attribution.conversion_id = conversions.conversion_id
    where conversions.is_opted_out and attribution.touch_position != 0

)

select * from violations
