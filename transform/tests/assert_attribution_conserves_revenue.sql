-- the shares of a conversion add up to its net revenue, to the cent
{{ config(tags=['conservation']) }}

with

attribution as (

    select * from {{ ref('fct_attribution') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

credited as (

    select
        conversion_id,
        model,
        window_days,
        sum(revenue_usd) as revenue_usd
    from attribution
    group by conversion_id, model, window_days

),

violations as (

    select
        credited.conversion_id,
        credited.model,
        credited.window_days,
        credited.revenue_usd,
        conversions.revenue_usd as conversion_revenue_usd
    from credited
    inner join conversions on credited.conversion_id = conversions.conversion_id
    where credited.revenue_usd != conversions.revenue_usd

)

select * from violations
