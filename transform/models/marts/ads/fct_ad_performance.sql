with

ad_days as (

    select * from {{ ref('int_ads__ad_daily') }}

),

campaign_days as (

    select * from {{ ref('fct_ad_spend') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

differences as (

    select
        platform,
        account_id,
        campaign_id,
        report_date,
        currency,
        impressions,
        clicks,
        spend,
        spend_usd,
        claimed_conversions,
        claimed_value,
        claimed_value_usd
    from campaign_days

    union all

    select
        platform,
        account_id,
        campaign_id,
        report_date,
        currency,
        -impressions as impressions,
        -clicks as clicks,
        -spend as spend,
        -spend_usd as spend_usd,
        -conversions as claimed_conversions,
        -conversion_value as claimed_value,
        -conversion_value_usd as claimed_value_usd
    from ad_days

),

remainders as (

    -- Performance Max has no ads, removed ads may be missing, a platform may tell campaigns only
    select
        platform,
        account_id,
        campaign_id,
        '(no ad)' as ad_group_id,
        {{ as_text('null') }} as ad_group_name,
        '(no ad)' as ad_id,
        {{ as_text('null') }} as ad_name,
        report_date,
        currency,
        sum(impressions) as impressions,
        sum(clicks) as clicks,
        sum(spend) as spend,
        sum(spend_usd) as spend_usd,
        sum(claimed_conversions) as claimed_conversions,
        sum(claimed_value) as claimed_value,
        sum(claimed_value_usd) as claimed_value_usd,
        true as is_remainder
    from differences
    group by platform, account_id, campaign_id, report_date, currency
    having
        sum(impressions) <> 0
        or sum(clicks) <> 0
        or sum(spend) <> 0
        or sum(spend_usd) <> 0
        or sum(claimed_conversions) <> 0
        or sum(claimed_value) <> 0
        or sum(claimed_value_usd) <> 0

),

united as (

    select
        platform,
        account_id,
        campaign_id,
        ad_group_id,
        ad_group_name,
        ad_id,
        ad_name,
        report_date,
        currency,
        impressions,
        clicks,
        spend,
        spend_usd,
        conversions as claimed_conversions,
        conversion_value as claimed_value,
        conversion_value_usd as claimed_value_usd,
        false as is_remainder
    from ad_days

    union all

    select * from remainders

),

typed as (

    select
        united.platform,
        united.account_id,
        united.campaign_id,
        campaigns.campaign_name,
        united.ad_group_id,
        united.ad_group_name,
        united.ad_id,
        united.ad_name,
        united.is_remainder,
        united.report_date,
        united.currency,
        cast(united.impressions as bigint) as impressions,
        cast(united.clicks as bigint) as clicks,
        cast(united.spend as decimal(18, 6)) as spend,
        cast(united.spend_usd as decimal(18, 2)) as spend_usd,
        cast(united.claimed_conversions as decimal(18, 6)) as claimed_conversions,
        cast(united.claimed_value as decimal(18, 6)) as claimed_value,
        cast(united.claimed_value_usd as decimal(18, 2)) as claimed_value_usd
    from united
    left join campaigns
        on united.platform = campaigns.platform and united.campaign_id = campaigns.campaign_id

),

performance as (

    select
        *,
        {{ ad_ratios() }},
        {{ claimed_ratios() }}
    from typed

)

select * from performance
