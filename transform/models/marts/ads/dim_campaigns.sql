with

united as (

    {{ platform_campaigns() }}

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
