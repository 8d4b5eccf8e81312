with

months as (

    select * from {{ ref('fct_cohort_months') }}

),

spend as (

    select * from {{ ref('fct_ad_spend') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

spent as (

    select
        {{ month_start('spend.report_date') }} as cohort_month,
        coalesce(campaigns.channel, {{ platform_channel('spend.platform') }})
            as acquisition_channel,
        spend.platform as acquisition_platform,
        spend.campaign_id as acquisition_campaign_id,
        cast(sum(spend.spend_usd) as decimal(18, 2)) as spend_usd
    from spend
    left join campaigns
        on spend.platform = campaigns.platform and spend.campaign_id = campaigns.campaign_id
    group by
        {{ month_start('spend.report_date') }},
        coalesce(campaigns.channel, {{ platform_channel('spend.platform') }}),
        spend.platform,
        spend.campaign_id

),

united as (

    -- spend that brought nobody has a row too
    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        month_number,
        customers,
        purchases,
        revenue_usd,
        cumulative_margin_usd,
        cast(null as decimal(18, 2)) as spend_usd
    from months

    union all

    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        cast(null as integer) as month_number,
        0 as customers,
        0 as purchases,
        0 as revenue_usd,
        cast(null as decimal(18, 2)) as cumulative_margin_usd,
        spend_usd
    from spent

),

cells as (

    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        acquisition_channel || ' ' || acquisition_platform || ' ' || acquisition_campaign_id
            as cell,
        customers
    from months
    where month_number = 0

),

judged as (

    select
        *,
        {{ is_merged_cell('customers', 'cohort_month', 'cell') }} as is_merged
    from cells

),

named as (

    select
        united.cohort_month,
        {{ cell_name('united.acquisition_channel') }} as acquisition_channel,
        {{ cell_name('united.acquisition_platform') }} as acquisition_platform,
        {{ cell_name('united.acquisition_campaign_id') }} as acquisition_campaign_id,
        coalesce(judged.is_merged, false) as is_merged,
        united.month_number,
        united.customers,
        united.purchases,
        united.revenue_usd,
        united.cumulative_margin_usd,
        united.spend_usd
    from united
    left join judged
        on united.cohort_month = judged.cohort_month
        and united.acquisition_channel = judged.acquisition_channel
        and united.acquisition_platform = judged.acquisition_platform
        and united.acquisition_campaign_id = judged.acquisition_campaign_id

),

merged as (

    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        is_merged,
        month_number,
        sum(customers) as customers,
        sum(purchases) as purchases,
        sum(revenue_usd) as revenue_usd,
        sum(cumulative_margin_usd) as cumulative_margin_usd,
        sum(spend_usd) as spend_usd
    from named
    group by
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        is_merged,
        month_number

),

held_against as (

    select
        *,
        sum(spend_usd) over (
            partition by
                cohort_month,
                acquisition_channel,
                acquisition_platform,
                acquisition_campaign_id
        ) as cohort_spend_usd
    from merged

),

summed as (

    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        is_merged,
        max(customers) as customers,
        sum(purchases) as purchases,
        sum(revenue_usd) as revenue_usd,
        max(case when month_number is not null then cumulative_margin_usd end) as margin_usd,
        sum(spend_usd) as spend_usd,
        max(month_number) as months_observed,
        min(case when cumulative_margin_usd >= cohort_spend_usd then month_number end)
            as payback_month
    from held_against
    group by
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        is_merged

),

told as (

    -- what is too small merged as well shows its spend alone, so that spend adds up
    select
        *,
        not is_merged or customers >= {{ var('minimum_cell_customers') }} as is_told
    from summed

),

reported as (

    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        is_merged,
        cast(case when is_told then customers end as bigint) as customers,
        cast(case when is_told then purchases end as bigint) as purchases,
        cast(case when is_told then revenue_usd end as decimal(18, 2)) as revenue_usd,
        cast(case when is_told then coalesce(margin_usd, 0) end as decimal(18, 2)) as margin_usd,
        cast(spend_usd as decimal(18, 2)) as spend_usd,
        {{ safe_ratio('spend_usd', 'case when is_told then customers end') }}
            as cost_per_customer_usd,
        {{ safe_ratio('case when is_told then coalesce(margin_usd, 0) end', 'spend_usd') }}
            as margin_per_spend,
        cast(case when is_told then months_observed end as integer) as months_observed,
        cast(case when is_told then payback_month end as integer) as payback_month
    from told
    where is_told or spend_usd is not null

)

select * from reported
