with

meta_insights as (

    select * from {{ ref('stg_meta_ads__ad_insights') }}

),

meta_accounts as (

    select * from {{ ref('stg_meta_ads__accounts') }}

),

google_stats as (

    select * from {{ ref('stg_google_ads__campaign_stats') }}

),

google_accounts as (

    select * from {{ ref('stg_google_ads__customers') }}

),

rates as (

    select * from {{ ref('stg_shop__exchange_rates') }}

),

unified as (

    select
        'meta_ads' as platform,
        meta_insights.account_id,
        meta_insights.campaign_id,
        meta_insights.ad_id as row_id,
        meta_insights.report_date,
        meta_accounts.currency,
        meta_insights.impressions,
        meta_insights.clicks,
        meta_insights.spend,
        meta_insights.conversions,
        meta_insights.conversion_value
    from meta_insights
    left join meta_accounts on meta_insights.account_id = meta_accounts.account_id

    union all

    select
        'google_ads' as platform,
        google_stats.account_id,
        google_stats.campaign_id,
        google_stats.campaign_id as row_id,
        google_stats.report_date,
        google_accounts.currency,
        google_stats.impressions,
        google_stats.clicks,
        google_stats.spend,
        google_stats.conversions,
        google_stats.conversion_value
    from google_stats
    left join google_accounts on google_stats.account_id = google_accounts.account_id

),

converted as (

    select
        unified.*,
        {{ usd('unified.spend', rate_or_one('unified.currency', 'rates.usd_per_unit')) }}
            as spend_usd,
        {{ usd('unified.conversion_value', rate_or_one('unified.currency', 'rates.usd_per_unit')) }}
            as conversion_value_usd
    from unified
    left join rates
        on unified.currency = rates.currency and unified.report_date = rates.rate_date

)

select * from converted
