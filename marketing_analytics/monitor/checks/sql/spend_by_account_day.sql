-- spend of the marts beside that of the platforms' own rows, by account and day, in its currency
with

marts as (

    select
        platform,
        account_id,
        report_date,
        sum(spend) as spend
    from {marts}.fct_ad_spend
    where report_date > ? and report_date <= ?
    group by platform, account_id, report_date

),

platforms as (

    select
        platform,
        account_id,
        report_date,
        sum(spend) as spend
    from {marts}.int_ads__daily
    where report_date > ? and report_date <= ?
    group by platform, account_id, report_date

)

select
    coalesce(marts.platform, platforms.platform) as platform,
    coalesce(marts.account_id, platforms.account_id) as account_id,
    coalesce(marts.report_date, platforms.report_date) as report_date,
    coalesce(marts.spend, 0) as marts_spend,
    coalesce(platforms.spend, 0) as platform_spend
from marts
full outer join platforms
    on marts.platform = platforms.platform
    and marts.account_id = platforms.account_id
    and marts.report_date = platforms.report_date
order by platform, account_id, report_date
