with

campaign_days as (

    select * from {{ ref('stg_google_ads__campaign_stats') }}

),

ad_days as (

    select * from {{ ref('stg_google_ads__ad_stats') }}

),

campaigns as (

    select * from {{ ref('stg_google_ads__campaigns') }}

),

by_ads as (

    select
        account_id,
        report_date,
        campaign_id,
        sum(spend) as ad_spend,
        sum(clicks) as ad_clicks
    from ad_days
    group by account_id, report_date, campaign_id

),

levels as (

    -- Performance Max has no ads, and removed ads may be missing: campaigns are the truth
    select
        campaign_days.account_id,
        campaign_days.report_date,
        campaign_days.campaign_id,
        campaigns.channel_type,
        campaign_days.currency,
        campaign_days.spend as campaign_spend,
        coalesce(by_ads.ad_spend, 0) as ad_spend,
        campaign_days.spend - coalesce(by_ads.ad_spend, 0) as spend_without_ad,
        campaign_days.clicks - coalesce(by_ads.ad_clicks, 0) as clicks_without_ad
    from campaign_days
    left join by_ads
        on campaign_days.account_id = by_ads.account_id
        and campaign_days.report_date = by_ads.report_date
        and campaign_days.campaign_id = by_ads.campaign_id
    left join campaigns on campaign_days.campaign_id = campaigns.campaign_id

)

select * from levels
