-- days of the last five weeks without a row of an account, and how far it lies behind
with days as (

    select
        platform,
        account_id,
        report_date
    from int_ads__daily
    group by platform, account_id, report_date

),

as_of as (

    select as_of_date from int_calendar__as_of

)

select
    days.platform,
    days.account_id,
    min(days.report_date) as first_day,
    max(days.report_date) as last_day,
    as_of.as_of_date - max(days.report_date) as days_behind,
    max(days.report_date) - min(days.report_date) + 1 - count(*) as days_missing,
    as_of.as_of_date
from days
cross join as_of
where days.report_date > as_of.as_of_date - 35
group by days.platform, days.account_id, as_of.as_of_date
order by days_missing desc, days_behind desc, days.platform asc, days.account_id asc
