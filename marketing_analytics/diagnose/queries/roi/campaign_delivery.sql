-- campaigns of the last five weeks: days with visits and without spend while their platform spent
with as_of as (

    select as_of_date from int_calendar__as_of

),

visits as (

    select
        sessions.platform,
        sessions.campaign_id,
        sessions.session_date as day,
        count(*) as sessions
    from int_web__sessions as sessions
    cross join as_of
    where
        sessions.campaign_match in ('click', 'id')
        and not sessions.is_return
        and sessions.session_date > as_of.as_of_date - 35
    group by sessions.platform, sessions.campaign_id, sessions.session_date

),

spent as (

    select
        platform,
        campaign_id,
        report_date as day,
        sum(spend_usd) as spend_usd
    from fct_ad_spend
    group by platform, campaign_id, report_date

),

bounds as (

    -- the first and the last day of a campaign may lie across the midnight of its account
    select
        platform,
        min(day) as first_day,
        max(day) as last_day
    from spent
    group by platform

),

judged as (

    select
        visits.platform,
        visits.campaign_id,
        visits.day,
        visits.sessions,
        coalesce(spent.spend_usd, 0) > 0 as has_spend
    from visits
    inner join bounds
        on visits.platform = bounds.platform
        and visits.day > bounds.first_day
        and visits.day <= bounds.last_day
    left join spent
        on visits.platform = spent.platform
        and visits.campaign_id = spent.campaign_id
        and visits.day = spent.day

)

select
    judged.platform,
    judged.campaign_id,
    max(campaigns.campaign_name) as campaign_name,
    count(case when not judged.has_spend then 1 end) as days_without_spend,
    sum(case when not judged.has_spend then judged.sessions else 0 end) as sessions_without_spend,
    sum(judged.sessions) as sessions,
    min(case when not judged.has_spend then judged.day end) as first_day,
    max(case when not judged.has_spend then judged.day end) as last_day
from judged
left join dim_campaigns as campaigns
    on judged.platform = campaigns.platform and judged.campaign_id = campaigns.campaign_id
group by judged.platform, judged.campaign_id
order by sessions_without_spend desc, judged.platform asc, judged.campaign_id asc
