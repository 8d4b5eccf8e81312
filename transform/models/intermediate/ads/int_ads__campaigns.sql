with

rules as (

    select * from {{ ref('campaign_channels') }}

),

united as (

    {{ platform_campaigns() }}

),

fitting as (

    select
        united.*,
        rules.channel as rule_channel,
        row_number() over (
            partition by united.platform, united.campaign_id
            order by rules.priority
        ) as rule_rank
    from united
    left join rules
        on united.platform = rules.platform
        and (rules.campaign_kind is null or united.campaign_kind = rules.campaign_kind)
        and {{ fits(
            plain_words('united.campaign_name'), 'rules.campaign', like_words('rules.campaign')
        ) }}

),

campaigns as (

    select
        platform,
        campaign_id,
        account_id,
        campaign_name,
        campaign_status,
        campaign_kind,
        coalesce(rule_channel, {{ platform_channel('platform') }}) as channel,
        currency,
        time_zone,
        cast(daily_budget as decimal(18, 2)) as daily_budget
    from fitting
    where rule_rank = 1

)

select * from campaigns
