-- spend as it is loaded now against spend in the mart, of the days the mart may hold
with loaded as (

    select
        daily.platform,
        sum(daily.spend) as spend,
        sum(daily.spend_usd) as spend_usd,
        count(distinct daily.report_date) as days
    from int_ads__daily as daily
    inner join int_calendar__as_of as as_of on daily.report_date <= as_of.as_of_date
    group by daily.platform

),

booked as (

    select
        spend.platform,
        sum(spend.spend) as spend,
        sum(spend.spend_usd) as spend_usd,
        count(distinct spend.report_date) as days
    from fct_ad_spend as spend
    inner join int_calendar__as_of as as_of on spend.report_date <= as_of.as_of_date
    group by spend.platform

)

select
    loaded.platform,
    loaded.spend as loaded_spend,
    coalesce(booked.spend, 0) as mart_spend,
    loaded.spend_usd as loaded_usd,
    coalesce(booked.spend_usd, 0) as mart_usd,
    loaded.days as loaded_days,
    coalesce(booked.days, 0) as mart_days
from loaded
left join booked on loaded.platform = booked.platform
order by abs(loaded.spend_usd - coalesce(booked.spend_usd, 0)) desc, loaded.platform
