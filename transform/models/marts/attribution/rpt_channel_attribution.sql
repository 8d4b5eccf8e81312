with

attribution as (

    select * from {{ ref('fct_attribution') }}

),

spend as (

    select * from {{ ref('fct_ad_spend') }}

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

attributed as (

    select
        channel,
        model,
        window_days,
        sum(credit) as credit,
        sum(revenue_usd) as revenue_usd
    from attribution
    group by channel, model, window_days

),

spent as (

    select
        {{ platform_channel('platform') }} as channel,
        sum(spend_usd) as spend_usd
    from spend
    group by {{ platform_channel('platform') }}

),

reported as (

    select
        channels.channel,
        models.model,
        windows.window_days,
        cast(coalesce(attributed.credit, 0) as decimal(18, 12)) as credit,
        cast(coalesce(attributed.revenue_usd, 0) as decimal(18, 2)) as revenue_usd,
        cast(coalesce(spent.spend_usd, 0) as decimal(18, 2)) as spend_usd,
        {{ safe_ratio('coalesce(attributed.revenue_usd, 0)', 'spent.spend_usd') }} as roas
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
