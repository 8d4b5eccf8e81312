with

daily as (

    select * from {{ ref('int_ads__daily') }}

),

campaign_days as (

    select
        platform,
        account_id,
        campaign_id,
        report_date,
        currency,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(spend) as decimal(18, 6)) as spend,
        cast(sum(spend_usd) as decimal(18, 2)) as spend_usd,
        cast(sum(conversions) as decimal(18, 6)) as claimed_conversions,
        cast(sum(conversion_value) as decimal(18, 6)) as claimed_value,
        cast(sum(conversion_value_usd) as decimal(18, 2)) as claimed_value_usd
    from daily
    group by platform, account_id, campaign_id, report_date, currency

)

select * from campaign_days
