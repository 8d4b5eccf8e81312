with

months as (

    select * from {{ ref('fct_cohort_months') }}

),

spend as (

    select * from {{ ref('fct_ad_spend') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

spent as (

    select
        {{ month_start('spend.report_date') }} as cohort_month,
        coalesce(campaigns.channel, {{ platform_channel('spend.platform') }})
            as acquisition_channel,
        spend.platform as acquisition_platform,
        spend.campaign_id as acquisition_campaign_id,
        cast(sum(spend.spend_usd) as decimal(18, 2)) as spend_usd
    from spend
    left join campaigns
        on spend.platform = campaigns.platform and spend.campaign_id = campaigns.campaign_id
    group by
        {{ month_start('spend.report_date') }},
        coalesce(campaigns.channel, {{ platform_channel('spend.platform') }}),
        spend.platform,
        spend.campaign_id

),

united as (

    -- spend that brought nobody has a row too
    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        month_number,
        customers,
        purchases,
        revenue_usd,
        cumulative_margin_usd,
        cast(null as decimal(18, 2)) as spend_usd
    from months

    union all

    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        cast(null as integer) as month_number,
        0 as customers,
        0 as purchases,
        0 as revenue_usd,
        cast(null as decimal(18, 2)) as cumulative_margin_usd,
        spend_usd
    from spent

),

held_against as (

    select
        *,
        sum(spend_usd) over (
            partition by
                cohort_month,
                acquisition_channel,
                acquisition_platform,
                acquisition_campaign_id
        ) as cohort_spend_usd
    from united

),

summed as (

    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        max(customers) as customers,
        sum(purchases) as purchases,
        sum(revenue_usd) as revenue_usd,
        max(case when month_number is not null then cumulative_margin_usd end) as margin_usd,
        sum(spend_usd) as spend_usd,
        max(month_number) as months_observed,
        min(case when cumulative_margin_usd >= cohort_spend_usd then month_number end)
            as payback_month
    from held_against
    group by
        cohort_month, acquisition_channel, acquisition_platform, acquisition_campaign_id

),

reported as (

    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        cast(customers as bigint) as customers,
        cast(purchases as bigint) as purchases,
        cast(revenue_usd as decimal(18, 2)) as revenue_usd,
        cast(coalesce(margin_usd, 0) as decimal(18, 2)) as margin_usd,
        cast(spend_usd as decimal(18, 2)) as spend_usd,
        {{ safe_ratio('spend_usd', 'customers') }} as cost_per_customer_usd,
        {{ safe_ratio('coalesce(margin_usd, 0)', 'spend_usd') }} as margin_per_spend,
        cast(months_observed as integer) as months_observed,
        cast(payback_month as integer) as payback_month
    from summed

)

select * from reported
