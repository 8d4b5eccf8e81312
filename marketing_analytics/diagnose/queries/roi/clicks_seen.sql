-- clicks that platforms bill against visits that the web analytics saw, of two spans of four weeks
with as_of as (

    select as_of_date from int_calendar__as_of

),

clicked as (

    select
        spend.platform,
        case when spend.report_date > as_of.as_of_date - 28 then 'last' else 'before' end as span,
        sum(spend.clicks) as clicks
    from fct_ad_spend as spend
    cross join as_of
    where spend.report_date > as_of.as_of_date - 56
    group by spend.platform, span

),

seen as (

    select
        sessions.platform,
        case when sessions.session_date > as_of.as_of_date - 28 then 'last' else 'before' end
            as span,
        count(*) as sessions
    from int_web__sessions as sessions
    cross join as_of
    where sessions.session_date > as_of.as_of_date - 56 and not sessions.is_return
    group by sessions.platform, span

)

select
    clicked.platform,
    sum(case when clicked.span = 'last' then clicked.clicks end) as clicks,
    sum(case when clicked.span = 'last' then coalesce(seen.sessions, 0) end) as sessions,
    sum(case when clicked.span = 'before' then clicked.clicks end) as clicks_before,
    sum(case when clicked.span = 'before' then coalesce(seen.sessions, 0) end) as sessions_before
from clicked
left join seen on clicked.platform = seen.platform and clicked.span = seen.span
group by clicked.platform
order by clicked.platform
