-- unified spend is what the platforms' raw rows add up to, in their own currency; not more, where
-- an earlier day than the latest is asked for
{{ config(tags=['reconciliation']) }}

with

unified as (

    select
        platform,
        sum(spend) as spend
    from {{ ref('fct_ad_spend') }}
    group by platform

),

reported as (

    {{ raw_spend() }}

),

violations as (

    select
        reported.platform,
        reported.spend as reported_spend,
        unified.spend as unified_spend
    from reported
    left join unified on reported.platform = unified.platform
    where
        coalesce(reported.spend, 0) {{ '<' if var('as_of_date', '') else '!=' }}
        coalesce(unified.spend, 0)

)

select * from violations
