-- names that no rule knows, beside all sessions of the same days
with

unmapped as (

    select
        channel,
        traffic_source,
        traffic_medium,
        reason,
        sessions,
        revenue_usd,
        first_session_date,
        last_session_date
    from {marts}.rpt_unmapped_traffic
    where last_session_date > ? and last_session_date <= ?

),

traffic as (

    select
        session_date,
        count(*) as sessions
    from {marts}.int_web__sessions
    where not is_bot
    group by session_date

)

select
    unmapped.traffic_source,
    unmapped.traffic_medium,
    unmapped.reason,
    unmapped.channel,
    unmapped.sessions,
    unmapped.revenue_usd,
    unmapped.first_session_date,
    unmapped.last_session_date,
    sum(traffic.sessions) as all_sessions
from unmapped
left join traffic
    on traffic.session_date >= unmapped.first_session_date
    and traffic.session_date <= unmapped.last_session_date
group by
    unmapped.traffic_source,
    unmapped.traffic_medium,
    unmapped.reason,
    unmapped.channel,
    unmapped.sessions,
    unmapped.revenue_usd,
    unmapped.first_session_date,
    unmapped.last_session_date
order by unmapped.traffic_source, unmapped.traffic_medium
