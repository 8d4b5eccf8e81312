with

spend as (

    select * from {{ ref('fct_ad_spend') }}

),

attribution as (

    select * from {{ ref('int_attribution__default_model') }}
    where platform in {{ ad_platform_list() }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

loaded as (
    -- days whose spend is known: a day without a row among them cost nothing, the others are open
    {{ loaded_spend_days() }}
),

facts as (

    select
        platform,
        campaign_id,
        report_date as performance_date,
        impressions,
        clicks,
        spend_usd,
        claimed_conversions,
        claimed_value_usd,
        0 as touch_conversions,
        0 as touch_revenue_usd,
        0 as touch_new_customers,
        0 as booked_conversions,
        0 as booked_revenue_usd
    from spend

    union all

    select
        platform,
        coalesce(campaign_id, '(unknown)') as campaign_id,
        touch_date as performance_date,
        0 as impressions,
        0 as clicks,
        0 as spend_usd,
        0 as claimed_conversions,
        0 as claimed_value_usd,
        credit as touch_conversions,
        revenue_usd as touch_revenue_usd,
        case when conversion_type = 'first_order' then credit else 0 end as touch_new_customers,
        0 as booked_conversions,
        0 as booked_revenue_usd
    from attribution

    union all

    select
        platform,
        coalesce(campaign_id, '(unknown)') as campaign_id,
        conversion_date as performance_date,
        0 as impressions,
        0 as clicks,
        0 as spend_usd,
        0 as claimed_conversions,
        0 as claimed_value_usd,
        0 as touch_conversions,
        0 as touch_revenue_usd,
        0 as touch_new_customers,
        credit as booked_conversions,
        revenue_usd as booked_revenue_usd
    from attribution

),

summed as (

    select
        platform,
        campaign_id,
        performance_date,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(spend_usd) as decimal(18, 2)) as spend_usd,
        cast(sum(claimed_conversions) as decimal(18, 6)) as claimed_conversions,
        cast(sum(claimed_value_usd) as decimal(18, 2)) as claimed_value_usd,
        cast(sum(touch_conversions) as decimal(18, 6)) as attributed_conversions,
        cast(sum(touch_revenue_usd) as decimal(18, 2)) as attributed_revenue_usd,
        cast(sum(touch_new_customers) as decimal(18, 6)) as attributed_new_customers,
        cast(sum(booked_conversions) as decimal(18, 6))
            as attributed_conversions_by_conversion_date,
        cast(sum(booked_revenue_usd) as decimal(18, 2))
            as attributed_revenue_by_conversion_date_usd
    from facts
    group by platform, campaign_id, performance_date

),

known as (

    select
        summed.platform,
        summed.campaign_id,
        summed.performance_date,
        case when loaded.platform is not null then summed.impressions end as impressions,
        case when loaded.platform is not null then summed.clicks end as clicks,
        cast(case when loaded.platform is not null then summed.spend_usd end as decimal(18, 2))
            as spend_usd,
        cast(
            case when loaded.platform is not null then summed.claimed_conversions end
            as decimal(18, 6)
        ) as claimed_conversions,
        cast(
            case when loaded.platform is not null then summed.claimed_value_usd end
            as decimal(18, 2)
        ) as claimed_value_usd,
        summed.attributed_conversions,
        summed.attributed_revenue_usd,
        summed.attributed_new_customers,
        summed.attributed_conversions_by_conversion_date,
        summed.attributed_revenue_by_conversion_date_usd
    from summed
    left join loaded
        on summed.platform = loaded.platform
        and summed.performance_date between loaded.first_date and loaded.last_date

),

named as (

    select
        known.*,
        case when known.campaign_id = '(unknown)' then '(unknown)' else campaigns.campaign_name end
            as campaign_name,
        coalesce(campaigns.channel, {{ platform_channel('known.platform') }}) as channel
    from known
    left join campaigns
        on known.platform = campaigns.platform and known.campaign_id = campaigns.campaign_id

),

performance as (

    select
        platform,
        campaign_id,
        campaign_name,
        channel,
        performance_date,
        impressions,
        clicks,
        spend_usd,
        claimed_conversions,
        claimed_value_usd,
        attributed_conversions,
        attributed_revenue_usd,
        attributed_new_customers,
        attributed_conversions_by_conversion_date,
        attributed_revenue_by_conversion_date_usd,
        {{ ad_ratios() }},
        {{ attributed_ratios() }}
    from named

)

select * from performance
