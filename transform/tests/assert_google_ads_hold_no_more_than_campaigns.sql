-- ads explain a part of what their campaign spent, never more, and no day that it did not have
{{ config(tags=['reconciliation']) }}

with

levels as (

    select * from {{ ref('int_ads__google_levels') }}

),

ad_days as (

    select * from {{ ref('stg_google_ads__ad_stats') }}

),

beyond as (

    select
        levels.account_id,
        levels.report_date,
        levels.campaign_id,
        levels.spend_without_ad
    from levels
    where levels.spend_without_ad < 0

),

unknown as (

    select
        ad_days.account_id,
        ad_days.report_date,
        ad_days.campaign_id,
        -sum(ad_days.spend) as spend_without_ad
    from ad_days
    left join levels
        on ad_days.account_id = levels.account_id
        and ad_days.report_date = levels.report_date
        and ad_days.campaign_id = levels.campaign_id
    where levels.campaign_id is null and ad_days.spend > 0
    group by ad_days.account_id, ad_days.report_date, ad_days.campaign_id

),

failures as (

    select * from beyond
    union all
    select * from unknown

)

select * from failures
