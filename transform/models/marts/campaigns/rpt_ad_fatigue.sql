with

ad_days as (

    select * from {{ ref('int_ads__ad_daily') }}
    where impressions > 0

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

numbered as (

    select
        platform,
        account_id,
        campaign_id,
        ad_group_id,
        ad_id,
        ad_name,
        report_date,
        impressions,
        clicks,
        reach,
        row_number() over (
            partition by platform, account_id, campaign_id, ad_group_id, ad_id
            order by report_date
        ) as day_number,
        row_number() over (
            partition by platform, account_id, campaign_id, ad_group_id, ad_id
            order by report_date desc
        ) as days_to_last
    from ad_days

),

halves as (

    select
        *,
        case when day_number <= {{ var('ad_fatigue_days') }} then impressions end
            as first_impressions,
        case when day_number <= {{ var('ad_fatigue_days') }} then clicks end as first_clicks,
        case when day_number <= {{ var('ad_fatigue_days') }} then reach end as first_reach,
        case when days_to_last <= {{ var('ad_fatigue_days') }} then impressions end
            as latest_impressions,
        case when days_to_last <= {{ var('ad_fatigue_days') }} then clicks end as latest_clicks,
        case when days_to_last <= {{ var('ad_fatigue_days') }} then reach end as latest_reach
    from numbered

),

lives as (

    -- a frequency needs the reach of all of its days
    select
        platform,
        account_id,
        campaign_id,
        ad_group_id,
        ad_id,
        max(ad_name) as ad_name,
        min(report_date) as first_date,
        max(report_date) as last_date,
        count(*) as showing_days,
        sum(impressions) as impressions,
        {{ as_double('sum(first_impressions)') }} as first_impressions,
        {{ as_double('sum(latest_impressions)') }} as latest_impressions,
        {{ as_double('sum(first_clicks)') }} as first_clicks,
        {{ as_double('sum(latest_clicks)') }} as latest_clicks,
        case
            when count(first_reach) = count(first_impressions)
                then {{ safe_ratio('sum(first_impressions)', 'sum(first_reach)') }}
        end as first_frequency,
        case
            when count(latest_reach) = count(latest_impressions)
                then {{ safe_ratio('sum(latest_impressions)', 'sum(latest_reach)') }}
        end as latest_frequency
    from halves
    group by platform, account_id, campaign_id, ad_group_id, ad_id

),

rated as (

    select
        *,
        first_clicks / first_impressions as first_click_through_rate,
        latest_clicks / latest_impressions as latest_click_through_rate,
        (first_clicks + latest_clicks) / (first_impressions + latest_impressions) as common_rate,
        case
            when showing_days < 2 * {{ var('ad_fatigue_days') }} then 'too short'
            when first_impressions < 1000 or latest_impressions < 1000
                then 'too few impressions'
            when first_frequency is null or latest_frequency is null then 'frequency unknown'
            else 'judged'
        end as fatigue_status
    from lives

),

compared as (

    -- how many standard errors the rates differ by, were they the same in truth
    select
        *,
        {{ safe_ratio('latest_click_through_rate', 'first_click_through_rate') }} - 1
            as click_through_rate_change,
        {{ safe_ratio('latest_frequency', 'first_frequency') }} - 1 as frequency_change,
        {{ safe_ratio(
            'latest_click_through_rate - first_click_through_rate',
            'sqrt(greatest(common_rate * (1 - common_rate), 0)'
            ~ ' * (1 / first_impressions + 1 / latest_impressions))'
        ) }} as click_through_rate_z
    from rated

),

marked as (

    select
        *,
        case
            when fatigue_status in ('judged', 'frequency unknown')
                then
                    coalesce(
                        click_through_rate_change <= -0.2 and click_through_rate_z <= -1.96, false
                    )
        end as is_click_rate_falling
    from compared

),

fatigue as (

    select
        marked.platform,
        marked.account_id,
        marked.campaign_id,
        campaigns.campaign_name,
        marked.ad_group_id,
        marked.ad_id,
        marked.ad_name,
        marked.first_date,
        marked.last_date,
        cast(marked.showing_days as bigint) as showing_days,
        cast(marked.impressions as bigint) as impressions,
        marked.fatigue_status,
        marked.first_click_through_rate,
        marked.latest_click_through_rate,
        marked.click_through_rate_change,
        marked.click_through_rate_z,
        marked.first_frequency,
        marked.latest_frequency,
        marked.frequency_change,
        marked.is_click_rate_falling,
        case
            when marked.fatigue_status = 'judged'
                then marked.is_click_rate_falling and marked.frequency_change >= 0.1
        end as is_fatigued
    from marked
    left join campaigns
        on marked.platform = campaigns.platform and marked.campaign_id = campaigns.campaign_id

)

select * from fatigue
