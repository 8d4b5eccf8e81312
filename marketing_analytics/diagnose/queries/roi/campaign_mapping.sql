-- visits that a platform sold in the last four weeks, and those whose campaign is known
select
    sessions.platform,
    count(*) as sessions,
    count(case when sessions.campaign_id is null then 1 end) as without_campaign,
    min(case when sessions.campaign_id is null then sessions.traffic_campaign end)
        as example_campaign
from int_web__sessions as sessions
cross join int_calendar__as_of as as_of
where
    not sessions.is_return
    and sessions.session_date > as_of.as_of_date - 28
    and sessions.platform in (select platform from fct_ad_spend)
group by sessions.platform
order by without_campaign desc, sessions.platform asc
