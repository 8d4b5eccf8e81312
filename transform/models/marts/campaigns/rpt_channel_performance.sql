with

channels as (

    select * from {{ ref('dim_channels') }}

),

campaign_days as (

    select * from {{ ref('fct_campaign_performance') }}

),

spend as (

    select * from {{ ref('fct_ad_spend') }}

),

attribution as (

    select * from {{ ref('int_attribution__default_model') }}

),

sessions as (

    select * from {{ ref('int_web__sessions') }}

),

loaded as (
    {{ loaded_spend_days() }}
),

touches as (

    -- a conversion without a touch counts on its own day
    select
        attribution.channel,
        coalesce(attribution.touch_date, attribution.conversion_date) as performance_date,
        attribution.credit,
        attribution.revenue_usd,
        case when attribution.conversion_type = 'first_order' then attribution.credit else 0 end
            as new_customers,
        loaded.platform is not null as has_spend
    from attribution
    left join loaded
        on attribution.platform = loaded.platform
        and attribution.touch_date between loaded.first_date and loaded.last_date

),

facts as (

    -- spend stands in the channel of its campaign, credit in that of the touch
    select
        channel,
        {{ month_start('performance_date') }} as performance_month,
        0 as sessions,
        impressions,
        clicks,
        spend_usd,
        claimed_conversions,
        claimed_value_usd,
        0 as attributed_conversions,
        0 as attributed_revenue_usd,
        0 as attributed_new_customers,
        null as known_conversions,
        case when spend_usd is not null then 0 end as known_revenue_usd,
        null as known_new_customers
    from campaign_days

    union all

    select
        channel,
        {{ month_start('performance_date') }} as performance_month,
        0 as sessions,
        null as impressions,
        null as clicks,
        null as spend_usd,
        null as claimed_conversions,
        null as claimed_value_usd,
        credit as attributed_conversions,
        revenue_usd as attributed_revenue_usd,
        new_customers as attributed_new_customers,
        case when has_spend then credit end as known_conversions,
        case when has_spend then revenue_usd end as known_revenue_usd,
        case when has_spend then new_customers end as known_new_customers
    from touches

    union all

    select
        channel,
        {{ month_start('session_date') }} as performance_month,
        1 as sessions,
        null as impressions,
        null as clicks,
        null as spend_usd,
        null as claimed_conversions,
        null as claimed_value_usd,
        0 as attributed_conversions,
        0 as attributed_revenue_usd,
        0 as attributed_new_customers,
        null as known_conversions,
        null as known_revenue_usd,
        null as known_new_customers
    from sessions
    where not is_bot

),

summed as (

    select
        channel,
        performance_month,
        cast(sum(sessions) as bigint) as sessions,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(spend_usd) as decimal(18, 2)) as spend_usd,
        cast(sum(claimed_conversions) as decimal(18, 6)) as claimed_conversions,
        cast(sum(claimed_value_usd) as decimal(18, 2)) as claimed_value_usd,
        cast(sum(attributed_conversions) as {{ type_decimal(38, 12) }}) as attributed_conversions,
        cast(sum(attributed_revenue_usd) as decimal(18, 2)) as attributed_revenue_usd,
        cast(sum(attributed_new_customers) as {{ type_decimal(38, 12) }})
            as attributed_new_customers,
        cast(sum(known_conversions) as decimal(18, 6)) as known_conversions,
        cast(sum(known_revenue_usd) as decimal(18, 2)) as known_revenue_usd,
        cast(sum(known_new_customers) as decimal(18, 6)) as known_new_customers
    from facts
    group by channel, performance_month

),

compared as (

    select
        summed.performance_month,
        summed.channel,
        channels.channel_name,
        channels.is_paid,
        summed.sessions,
        summed.impressions,
        summed.clicks,
        summed.spend_usd,
        {{ safe_ratio(
            'summed.spend_usd',
            'sum(summed.spend_usd) over (partition by summed.performance_month)'
        ) }} as spend_share,
        summed.claimed_conversions,
        summed.claimed_value_usd,
        summed.attributed_conversions,
        summed.attributed_new_customers,
        summed.attributed_revenue_usd,
        {{ safe_ratio(
            'summed.attributed_revenue_usd',
            'sum(summed.attributed_revenue_usd) over (partition by summed.performance_month)'
        ) }} as revenue_share,
        summed.known_revenue_usd as attributed_revenue_with_spend_usd,
        {{ ad_ratios() }},
        {{ attributed_ratios('known') }}
    from summed
    -- left: money of a channel that is not listed is not hidden
    left join channels on summed.channel = channels.channel

)

select * from compared
