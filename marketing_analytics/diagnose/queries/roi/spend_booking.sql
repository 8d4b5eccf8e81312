-- spend of the mart of days against spend beside the credit
with spent as (

    select
        platform,
        sum(spend_usd) as spend_usd
    from fct_ad_spend
    group by platform

),

performed as (

    select
        platform,
        sum(spend_usd) as spend_usd
    from fct_campaign_performance
    group by platform

)

select
    spent.platform,
    spent.spend_usd,
    coalesce(performed.spend_usd, 0) as performance_usd
from spent
left join performed on spent.platform = performed.platform
order by abs(spent.spend_usd - coalesce(performed.spend_usd, 0)) desc, spent.platform
