-- ads and what no ad explains are their campaign, to the cent, and so are ad groups
{{ config(tags=['reconciliation']) }}

with

campaign_days as (

    select * from {{ ref('fct_ad_spend') }}

),

levels as (

    select
        'ads' as level_name,
        platform,
        account_id,
        campaign_id,
        report_date,
        impressions,
        clicks,
        spend,
        spend_usd,
        claimed_conversions,
        claimed_value_usd
    from {{ ref('fct_ad_performance') }}

    union all

    select
        'ad groups' as level_name,
        platform,
        account_id,
        campaign_id,
        report_date,
        impressions,
        clicks,
        spend,
        spend_usd,
        claimed_conversions,
        claimed_value_usd
    from {{ ref('fct_ad_group_performance') }}

),

level_names as (

    select 'ads' as level_name
    union all
    select 'ad groups' as level_name

),

compared as (

    select * from levels

    union all

    select
        level_names.level_name,
        campaign_days.platform,
        campaign_days.account_id,
        campaign_days.campaign_id,
        campaign_days.report_date,
        -campaign_days.impressions as impressions,
        -campaign_days.clicks as clicks,
        -campaign_days.spend as spend,
        -campaign_days.spend_usd as spend_usd,
        -campaign_days.claimed_conversions as claimed_conversions,
        -campaign_days.claimed_value_usd as claimed_value_usd
    from campaign_days
    cross join level_names

),

violations as (

    select
        level_name,
        platform,
        account_id,
        campaign_id,
        report_date,
        sum(spend_usd) as spend_usd
    from compared
    group by level_name, platform, account_id, campaign_id, report_date
    having
        sum(impressions) <> 0
        or sum(clicks) <> 0
        or sum(spend) <> 0
        or sum(spend_usd) <> 0
        or sum(claimed_conversions) <> 0
        or sum(claimed_value_usd) <> 0

)

select * from violations
