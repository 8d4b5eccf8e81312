with

campaigns as (

    select * from {{ ref('int_ads__campaigns') }}

),

listed as (

    select
        platform,
        campaign_id,
        account_id,
        campaign_name,
        campaign_status,
        campaign_kind,
        channel,
        currency,
        time_zone,
        daily_budget
    from campaigns

)

select * from listed
