{{ config(tags=['reconciliation']) }}

-- what no campaign is known for stands in a line of its own: nothing of a platform is lost
with

attribution as (

    select * from {{ ref('fct_attribution') }}
    where
        model = '{{ var("default_attribution_model") }}'
        and is_own_window
        and platform in {{ ad_platform_list() }}

),

performance as (

    select * from {{ ref('fct_campaign_performance') }}

),

attributed as (

    select
        platform,
        sum(case when campaign_id is null then revenue_usd else 0 end) as unknown_usd,
        sum(revenue_usd) as revenue_usd
    from attribution
    group by platform

),

performed as (

    select
        platform,
        sum(case when campaign_id = '(unknown)' then attributed_revenue_usd else 0 end)
            as unknown_usd,
        sum(attributed_revenue_usd) as revenue_usd
    from performance
    group by platform

)

select
    attributed.platform,
    attributed.revenue_usd,
    performed.revenue_usd as performed_usd
from attributed
left join performed on attributed.platform = performed.platform
where
    attributed.revenue_usd <> coalesce(performed.revenue_usd, 0)
    or attributed.unknown_usd <> coalesce(performed.unknown_usd, 0)
