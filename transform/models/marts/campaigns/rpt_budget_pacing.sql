with

budgets as (

    select * from {{ ref('int_ads__budgets') }}

),

spend as (

    select * from {{ ref('fct_ad_spend') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

known as (

    select
        spend.platform,
        spend.campaign_id,
        spend.report_date,
        {{ month_start('spend.report_date') }} as budget_month,
        spend.spend_usd
    from spend
    inner join as_of on spend.report_date <= as_of.as_of_date

),

loaded as (
    -- days whose spend is known: those after the last one are open, also when today is later
    {{ loaded_spend_days('known') }}
),

levels as (

    select * from known

    union all

    select
        platform,
        '(all)' as campaign_id,
        report_date,
        budget_month,
        spend_usd
    from known

),

spent as (

    select
        platform,
        campaign_id,
        budget_month,
        sum(spend_usd) as spend_usd
    from levels
    group by platform, campaign_id, budget_month

),

recent as (

    -- a week, so that every weekday counts once
    select
        levels.platform,
        levels.campaign_id,
        sum(levels.spend_usd) as spend_usd
    from levels
    inner join loaded
        on levels.platform = loaded.platform
        and levels.report_date > {{ days_after('loaded.last_date', -7) }}
    group by levels.platform, levels.campaign_id

),

lines as (

    select
        budget_month,
        platform,
        campaign_id
    from spent

    {{ union_distinct() }}

    select
        budget_month,
        platform,
        campaign_id
    from budgets

),

dated as (

    select
        *,
        cast({{ month_end('budget_month') }} as date) as last_day
    from lines

),

counted as (

    -- nothing is known of months before or after the loaded ones, or of platforms without any
    select
        dated.*,
        loaded.first_date,
        loaded.last_date,
        {{ days_between('dated.budget_month', 'dated.last_day') }} + 1 as month_days,
        case when loaded.last_date < dated.last_day then loaded.last_date else dated.last_day end
            as counted_until_date,
        case
            when loaded.first_date > dated.budget_month then loaded.first_date
            else dated.budget_month
        end as counted_from_date
    from dated
    inner join loaded
        on dated.platform = loaded.platform
        and dated.last_day >= loaded.first_date
        and dated.budget_month <= loaded.last_date

),

measured as (

    select
        lines.budget_month,
        lines.platform,
        lines.campaign_id,
        budgets.budget_usd,
        counted.counted_until_date,
        counted.month_days,
        {{ days_between('counted.counted_from_date', 'counted.counted_until_date') }} + 1
            as counted_days,
        {{ days_between('counted.counted_until_date', 'counted.last_day') }} as days_left,
        -- as many of the last seven days as there are
        case
            when {{ days_between('counted.first_date', 'counted.last_date') }} < 6
                then {{ days_between('counted.first_date', 'counted.last_date') }} + 1
            else 7
        end as recent_days,
        case when counted.platform is not null then coalesce(spent.spend_usd, 0) end as spend_usd,
        coalesce(recent.spend_usd, 0) as recent_spend_usd
    from lines
    left join counted
        on lines.platform = counted.platform
        and lines.campaign_id = counted.campaign_id
        and lines.budget_month = counted.budget_month
    left join budgets
        on lines.platform = budgets.platform
        and lines.campaign_id = budgets.campaign_id
        and lines.budget_month = budgets.budget_month
    left join spent
        on lines.platform = spent.platform
        and lines.campaign_id = spent.campaign_id
        and lines.budget_month = spent.budget_month
    left join recent
        on lines.platform = recent.platform and lines.campaign_id = recent.campaign_id

),

forecast as (

    select
        *,
        {{ safe_ratio('counted_days', 'month_days') }} as counted_share,
        spend_usd + {{ round_half(safe_ratio('days_left * recent_spend_usd', 'recent_days'), 2) }}
            as forecast_spend_usd
    from measured

),

pacing as (

    select
        forecast.budget_month,
        forecast.platform,
        forecast.campaign_id,
        campaigns.campaign_name,
        forecast.campaign_id = '(all)' as is_platform_total,
        forecast.budget_month = {{ month_start('as_of.as_of_date') }} as is_current_month,
        cast(forecast.budget_usd as decimal(18, 2)) as budget_usd,
        cast(forecast.spend_usd as decimal(18, 2)) as spend_usd,
        cast(forecast.spend_usd - forecast.budget_usd as decimal(18, 2)) as variance_usd,
        {{ safe_ratio('forecast.spend_usd', 'forecast.budget_usd') }} as attainment,
        forecast.counted_until_date,
        forecast.counted_share,
        {{ round_half('forecast.budget_usd * forecast.counted_share', 2) }} as budget_due_usd,
        {{ safe_ratio('forecast.spend_usd', 'forecast.budget_usd * forecast.counted_share') }}
            as pacing,
        cast(forecast.forecast_spend_usd as decimal(18, 2)) as forecast_spend_usd,
        cast(forecast.forecast_spend_usd - forecast.budget_usd as decimal(18, 2))
            as forecast_variance_usd,
        {{ safe_ratio('forecast.forecast_spend_usd', 'forecast.budget_usd') }}
            as forecast_attainment,
        {{ safe_ratio('forecast.budget_usd - forecast.spend_usd', 'forecast.days_left') }}
            as daily_spend_to_budget_usd,
        as_of.as_of_date
    from forecast
    cross join as_of
    left join campaigns
        on forecast.platform = campaigns.platform
        and forecast.campaign_id = campaigns.campaign_id

)

select * from pacing
