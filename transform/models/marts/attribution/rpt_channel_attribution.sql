with

attribution as (

    select * from {{ ref('fct_attribution') }}

),

spend as (

    select * from {{ ref('fct_ad_spend') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

windows as (
    {{ attribution_windows() }}
),

models as (
    {{ attribution_models() }}
),

loaded as (
    -- days whose spend is known: what was touched on others must not raise a ROAS
    {{ loaded_spend_days() }}
),

attributed as (

    select
        attribution.channel,
        attribution.model,
        attribution.window_days,
        sum(attribution.credit) as credit,
        sum(attribution.revenue_usd) as revenue_usd,
        sum(
            case when loaded.platform is null then 0 else attribution.revenue_usd end
        ) as revenue_with_spend_usd
    from attribution
    left join loaded
        on attribution.platform = loaded.platform
        and attribution.touch_date between loaded.first_date and loaded.last_date
    group by attribution.channel, attribution.model, attribution.window_days

),

placed as (

    select
        coalesce(campaigns.channel, {{ platform_channel('spend.platform') }}) as channel,
        spend.spend_usd
    from spend
    left join campaigns
        on spend.platform = campaigns.platform and spend.campaign_id = campaigns.campaign_id

),

spent as (

    select
        channel,
        sum(spend_usd) as spend_usd
    from placed
    group by channel

),

reported as (

    select
        channels.channel,
        models.model,
        windows.window_days,
        cast(coalesce(attributed.credit, 0) as {{ type_decimal(38, 12) }}) as credit,
        cast(coalesce(attributed.revenue_usd, 0) as decimal(18, 2)) as revenue_usd,
        cast(coalesce(attributed.revenue_with_spend_usd, 0) as decimal(18, 2))
            as revenue_with_spend_usd,
        cast(spent.spend_usd as decimal(18, 2)) as spend_usd,
        {{ safe_ratio('coalesce(attributed.revenue_with_spend_usd, 0)', 'spent.spend_usd') }}
            as roas
    from channels
    cross join models
    cross join windows
    left join attributed
        on channels.channel = attributed.channel
        and models.model = attributed.model
        and windows.window_days = attributed.window_days
    left join spent on channels.channel = spent.channel

)

select * from reported
