with

meta_campaigns as (

    select * from {{ ref('stg_meta_ads__campaigns') }}

),

meta_accounts as (

    select * from {{ ref('stg_meta_ads__accounts') }}

),

google_campaigns as (

    select * from {{ ref('stg_google_ads__campaigns') }}

),

google_accounts as (

    select * from {{ ref('stg_google_ads__customers') }}

),

united as (

    select
        'meta_ads' as platform,
        meta_campaigns.campaign_id,
        meta_campaigns.account_id,
        meta_campaigns.campaign_name,
        meta_campaigns.campaign_status,
        meta_campaigns.objective as campaign_kind,
        meta_accounts.currency,
        meta_accounts.time_zone,
        meta_campaigns.daily_budget
    from meta_campaigns
    left join meta_accounts on meta_campaigns.account_id = meta_accounts.account_id

    union all

    select
        'google_ads' as platform,
        google_campaigns.campaign_id,
        google_campaigns.account_id,
        google_campaigns.campaign_name,
        google_campaigns.campaign_status,
        google_campaigns.channel_type as campaign_kind,
        google_accounts.currency,
        google_accounts.time_zone,
        google_campaigns.daily_budget
    from google_campaigns
    left join google_accounts on google_campaigns.account_id = google_accounts.account_id

),

campaigns as (

    select
        platform,
        campaign_id,
        account_id,
        campaign_name,
        campaign_status,
        campaign_kind,
        {{ platform_channel('platform') }} as channel,
        currency,
        time_zone,
        cast(daily_budget as decimal(18, 2)) as daily_budget
    from united

)

select * from campaigns
