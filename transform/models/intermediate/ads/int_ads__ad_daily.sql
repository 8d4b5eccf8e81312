with

rates as (

    select * from {{ ref('int_calendar__exchange_rates') }}

),

unified as (

    {{ platform_ad_days() }}

),

running as (

    -- where the campaign is the finest level its cents are the truth: ads share them out as running
    -- totals, so that nothing of them is lost by rounding each
    select
        *,
        cast(
            case when is_finest then spend else sum(spend) over ({{ ads_of_a_day() }}) end
            as decimal(18, 6)
        ) as spend_until,
        cast(
            case
                when is_finest then conversion_value
                else sum(conversion_value) over ({{ ads_of_a_day() }})
            end as decimal(18, 6)
        ) as value_until
    from unified

),

spans as (

    select
        *,
        cast(spend_until - spend as decimal(18, 6)) as spend_before,
        cast(value_until - conversion_value as decimal(18, 6)) as value_before
    from running

),

converted as (

    select
        spans.platform,
        spans.account_id,
        spans.campaign_id,
        spans.ad_group_id,
        spans.ad_group_name,
        spans.ad_id,
        spans.ad_name,
        spans.report_date,
        spans.currency,
        spans.impressions,
        spans.reach,
        spans.clicks,
        spans.spend,
        spans.conversions,
        spans.conversion_value,
        {{ between_amounts('spans.spend_before', 'spans.spend_until') }} as spend_usd,
        {{ between_amounts('spans.value_before', 'spans.value_until') }} as conversion_value_usd
    from spans
    {{ join_rates('spans.currency', 'spans.report_date') }}

)

select * from converted
