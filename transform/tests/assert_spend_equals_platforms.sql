-- unified spend is what the platforms' raw rows add up to, in their own currency
{{ config(tags=['reconciliation']) }}

with

unified as (

    select
        platform,
        sum(spend) as spend
    from {{ ref('fct_ad_spend') }}
    group by platform

),

reported as (

    select
        'meta_ads' as platform,
        cast(sum(coalesce(spend, 0)) as decimal(18, 6)) as spend
    from {{ source('meta_ads', 'ad_insights') }}

    union all

    select
        'google_ads' as platform,
        cast(sum({{ micros_to_amount('coalesce(cost_micros, 0)') }}) as decimal(18, 6)) as spend
    from {{ source('google_ads', 'campaign_stats') }}

),

violations as (

    select
        reported.platform,
        reported.spend as reported_spend,
        unified.spend as unified_spend
    from reported
    left join unified on reported.platform = unified.platform
    where coalesce(reported.spend, 0) != coalesce(unified.spend, 0)

)

select * from violations
