with

ads as (

    select * from {{ ref('fct_ad_performance') }}

),

summed as (

    select
        platform,
        account_id,
        campaign_id,
        campaign_name,
        ad_group_id,
        ad_group_name,
        is_remainder,
        report_date,
        currency,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(spend) as decimal(18, 6)) as spend,
        cast(sum(spend_usd) as decimal(18, 2)) as spend_usd,
        cast(sum(claimed_conversions) as decimal(18, 6)) as claimed_conversions,
        cast(sum(claimed_value) as decimal(18, 6)) as claimed_value,
        cast(sum(claimed_value_usd) as decimal(18, 2)) as claimed_value_usd
    from ads
    group by
        platform, account_id, campaign_id, campaign_name, ad_group_id, ad_group_name, is_remainder,
        report_date, currency

),

performance as (

    select
        *,
        {{ ad_ratios() }},
        {{ claimed_ratios() }}
    from summed

)

select * from performance
