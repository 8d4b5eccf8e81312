with

acquisitions as (

    select * from {{ ref('int_value__acquisitions') }}

),

purchases as (

    select * from {{ ref('int_value__purchases') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

days as (

    select * from {{ ref('dim_days') }}

),

calendar as (

    select distinct
        {{ month_start('days.day_date') }} as month_date,
        {{ month_start('as_of.as_of_date') }} as as_of_month
    from days
    inner join as_of on days.day_date <= as_of.as_of_date

),

cohorts as (

    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        count(*) as customers
    from acquisitions
    group by
        cohort_month, acquisition_channel, acquisition_platform, acquisition_campaign_id

),

ages as (

    -- every month of a cohort's life, also one in which nobody bought
    select
        cohorts.*,
        calendar.month_date,
        {{ months_between('cohorts.cohort_month', 'calendar.month_date') }} as month_number,
        calendar.month_date < calendar.as_of_month as is_complete
    from cohorts
    inner join calendar on cohorts.cohort_month <= calendar.month_date

),

numbered as (

    select
        *,
        row_number() over (
            partition by customer_key order by purchase_date
        ) as purchase_number
    from purchases

),

bought as (

    select
        acquisitions.cohort_month,
        acquisitions.acquisition_channel,
        acquisitions.acquisition_platform,
        acquisitions.acquisition_campaign_id,
        {{ month_start('numbered.purchase_date') }} as month_date,
        count(distinct numbered.customer_key) as active_customers,
        count(case when numbered.purchase_number = 2 then 1 end) as returned_customers,
        count(*) as purchases,
        sum(numbered.revenue_usd) as revenue_usd
    from numbered
    inner join acquisitions on numbered.customer_key = acquisitions.customer_key
    group by
        acquisitions.cohort_month,
        acquisitions.acquisition_channel,
        acquisitions.acquisition_platform,
        acquisitions.acquisition_campaign_id,
        {{ month_start('numbered.purchase_date') }}

),

filled as (

    select
        ages.*,
        coalesce(bought.active_customers, 0) as active_customers,
        bought.returned_customers,
        coalesce(bought.purchases, 0) as purchases,
        cast(coalesce(bought.revenue_usd, 0) as decimal(18, 2)) as revenue_usd
    from ages
    left join bought
        on ages.cohort_month = bought.cohort_month
        and ages.month_date = bought.month_date
        and ages.acquisition_channel = bought.acquisition_channel
        and ages.acquisition_platform = bought.acquisition_platform
        and ages.acquisition_campaign_id = bought.acquisition_campaign_id

),

cumulated as (

    select
        *,
        sum(returned_customers) over (
            partition by
                cohort_month,
                acquisition_channel,
                acquisition_platform,
                acquisition_campaign_id
            order by month_number
            rows between unbounded preceding and current row
        ) as repeat_customers,
        sum(revenue_usd) over (
            partition by
                cohort_month,
                acquisition_channel,
                acquisition_platform,
                acquisition_campaign_id
            order by month_number
            rows between unbounded preceding and current row
        ) as cumulative_revenue_usd
    from filled

),

measured as (

    select
        cohort_month,
        acquisition_channel,
        acquisition_platform,
        acquisition_campaign_id,
        month_number,
        month_date,
        is_complete,
        customers,
        active_customers,
        {{ safe_ratio('active_customers', 'customers') }} as retention_rate,
        cast(repeat_customers as bigint) as repeat_customers,
        {{ safe_ratio('repeat_customers', 'customers') }} as repeat_rate,
        purchases,
        revenue_usd,
        cast(cumulative_revenue_usd as decimal(18, 2)) as cumulative_revenue_usd,
        cast(
            {{ round_half('cumulative_revenue_usd * ' ~ var('ltv_margin'), 2) }} as decimal(18, 2)
        ) as cumulative_margin_usd
    from cumulated

)

select * from measured
