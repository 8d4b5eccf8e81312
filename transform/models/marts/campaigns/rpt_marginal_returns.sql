with

days as (

    select * from {{ ref('fct_campaign_performance') }}
    where spend_usd is not null

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

loaded as (

    select
        *,
        min(performance_date) over (partition by platform) as first_date,
        max(performance_date) over (partition by platform) as last_date
    from days

),

aged as (

    -- weeks are counted back from the last loaded day
    select
        platform,
        campaign_id,
        spend_usd,
        attributed_conversions,
        attributed_revenue_usd,
        floor({{ as_double(days_between('performance_date', 'last_date')) }} / 7) as week_age,
        floor(
            ({{ as_double(days_between('first_date', 'last_date')) }} + 1) / 7
        ) as whole_weeks
    from loaded

),

levels as (

    select * from aged
    where week_age < whole_weeks and campaign_id <> '(unknown)'

    union all

    select
        platform,
        '(all)' as campaign_id,
        spend_usd,
        attributed_conversions,
        attributed_revenue_usd,
        week_age,
        whole_weeks
    from aged
    where week_age < whole_weeks

),

weeks as (

    select
        platform,
        campaign_id,
        week_age,
        sum(spend_usd) as spend_usd,
        sum(attributed_conversions) as conversions,
        sum(attributed_revenue_usd) as revenue_usd
    from levels
    group by platform, campaign_id, week_age

),

points as (

    -- a power curve is a straight line between logarithms, and zero has none
    select
        platform,
        campaign_id,
        spend_usd,
        conversions,
        revenue_usd,
        case when conversions > 0 then ln({{ as_double('spend_usd') }}) end as log_spend,
        case when conversions > 0 then ln({{ as_double('conversions') }}) end as log_conversions
    from weeks
    where spend_usd > 0

),

centred as (

    select
        *,
        log_spend - avg(log_spend) over (partition by platform, campaign_id) as spend_offset,
        log_conversions - avg(log_conversions) over (partition by platform, campaign_id)
            as conversions_offset
    from points

),

sloped as (

    select
        *,
        sum(spend_offset * conversions_offset) over (partition by platform, campaign_id)
        / nullif(sum(spend_offset * spend_offset) over (partition by platform, campaign_id), 0)
            as slope
    from centred

),

curves as (

    -- sums are of decimals: those of doubles would hang on their order
    select
        platform,
        campaign_id,
        count(*) as spending_weeks,
        count(log_spend) as weeks,
        count(*) - count(log_spend) as weeks_without_conversions,
        {{ safe_ratio('sum(spend_usd)', 'count(*)') }} as weekly_spend_usd,
        {{ safe_ratio('sum(conversions)', 'count(*)') }} as weekly_conversions,
        {{ safe_ratio('sum(revenue_usd)', 'count(*)') }} as weekly_revenue_usd,
        sum(spend_offset * spend_offset) as spend_spread,
        sum(conversions_offset * conversions_offset) as conversions_spread,
        max(slope) as slope,
        sum(power(conversions_offset - slope * spend_offset, 2)) as squared_error
    from sloped
    group by platform, campaign_id

),

judged as (

    -- a spread below a twentieth is no variation from which a curve could be told
    select
        *,
        case
            when weeks < {{ var('response_curve_min_weeks') }} then 'too few weeks'
            when weeks_without_conversions * 5 > spending_weeks
                then 'too many weeks without conversions'
            when spend_spread < weeks * 0.0025 then 'spend does not vary'
            else 'estimated'
        end as fit_status
    from curves

),

fitted as (

    select
        *,
        case when fit_status = 'estimated' then slope end as elasticity,
        case
            when fit_status = 'estimated'
                then sqrt(squared_error / (weeks - 2) / spend_spread)
        end as standard_error,
        case when fit_status = 'estimated' then {{ interval_width('weeks - 2') }} end as reach
    from judged

),

bounded as (

    select
        *,
        elasticity - reach * standard_error as elasticity_lower,
        elasticity + reach * standard_error as elasticity_upper,
        case
            when elasticity is not null
                then 1 - squared_error / nullif(conversions_spread, 0)
        end as r_squared,
        weekly_revenue_usd / weekly_spend_usd as roas
    from fitted

),

answered as (

    -- ads alone do not bring more than they are given: where conversions surely grow faster than
    -- spend, both follow demand, and the curve says nothing about a change of spend
    select
        *,
        elasticity_lower > 1 as is_led_by_demand,
        case when elasticity_lower <= 1 then elasticity end as answer,
        case when elasticity_lower <= 1 then elasticity_lower end as answer_lower,
        case when elasticity_lower <= 1 then elasticity_upper end as answer_upper,
        case
            when elasticity_lower <= 1 and elasticity > 0
                then weekly_spend_usd / weekly_conversions / elasticity
        end as marginal_cost
    from bounded

),

returns as (

    select
        answered.platform,
        answered.campaign_id,
        campaigns.campaign_name,
        answered.campaign_id = '(all)' as is_platform_total,
        case when answered.is_led_by_demand then 'spend follows demand' else answered.fit_status end
            as fit_status,
        true as is_estimate,
        cast(answered.weeks as bigint) as weeks,
        cast(answered.weeks_without_conversions as bigint) as weeks_without_conversions,
        {{ round_half('answered.weekly_spend_usd', 2) }} as weekly_spend_usd,
        {{ round_half('answered.weekly_conversions', 6) }} as weekly_conversions,
        {{ round_half('answered.weekly_revenue_usd', 2) }} as weekly_revenue_usd,
        {{ round_half('answered.elasticity', 6) }} as elasticity,
        {{ round_half('answered.standard_error', 6) }} as elasticity_standard_error,
        {{ round_half('answered.elasticity_lower', 6) }} as elasticity_lower,
        {{ round_half('answered.elasticity_upper', 6) }} as elasticity_upper,
        {{ round_half('answered.r_squared', 6) }} as r_squared,
        {{ round_half('answered.roas', 6) }} as roas,
        {{ round_half('answered.answer * answered.roas', 6) }} as marginal_roas,
        {{ round_half('answered.answer_lower * answered.roas', 6) }} as marginal_roas_lower,
        {{ round_half('answered.answer_upper * answered.roas', 6) }} as marginal_roas_upper,
        {{ round_half('answered.marginal_cost', 2) }} as marginal_cost_per_conversion_usd,
        {{ round_half('answered.weekly_spend_usd * 0.2e0', 2) }} as cut_weekly_spend_usd,
        {{ round_half('answered.weekly_revenue_usd * ' ~ lost_by_a_cut('answered.answer'), 2) }}
            as cut_weekly_revenue_usd,
        {{ round_half(
            'answered.weekly_revenue_usd * ' ~ lost_by_a_cut('answered.answer_lower'), 2
        ) }} as cut_weekly_revenue_lower_usd,
        {{ round_half(
            'answered.weekly_revenue_usd * ' ~ lost_by_a_cut('answered.answer_upper'), 2
        ) }} as cut_weekly_revenue_upper_usd
    from answered
    left join campaigns
        on answered.platform = campaigns.platform and answered.campaign_id = campaigns.campaign_id

)

select * from returns
