-- no spend is lost or doubled where it meets attributed revenue
{{ config(tags=['reconciliation']) }}

with

spent as (

    select
        platform,
        sum(spend_usd) as spend_usd
    from {{ ref('fct_ad_spend') }}
    group by platform

),

performed as (

    select
        platform,
        sum(spend_usd) as spend_usd
    from {{ ref('fct_campaign_performance') }}
    group by platform

),

violations as (

    select
        spent.platform,
        spent.spend_usd,
        performed.spend_usd as performance_spend_usd
    from spent
    left join performed on spent.platform = performed.platform
    where performed.spend_usd is null or spent.spend_usd != performed.spend_usd

)

select * from violations
