-- every model over whole paths holds all conversions that were not refunded, and all revenue
{{ config(tags=['conservation']) }}

with

attribution as (

    select * from {{ ref('fct_path_attribution') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

types as (
    {{ conversion_types_and_all() }}
),

ordered as (

    select
        types.conversion_type,
        sum(case when conversions.is_refunded then 0 else 1 end) as conversions,
        sum(conversions.revenue_usd) as revenue_usd
    from conversions
    inner join types on conversions.conversion_type = types.journey_type
    group by types.conversion_type

),

credited as (

    select
        model,
        path_level,
        conversion_type,
        window_days,
        sum(credit) as credit,
        sum(revenue_usd) as revenue_usd
    from attribution
    group by model, path_level, conversion_type, window_days

),

violations as (

    select
        credited.*,
        ordered.conversions as ordered_conversions,
        ordered.revenue_usd as ordered_revenue_usd
    from credited
    left join ordered on credited.conversion_type = ordered.conversion_type
    where
        credited.credit <> coalesce(ordered.conversions, 0)
        or credited.revenue_usd <> coalesce(ordered.revenue_usd, 0)

)

select * from violations
