-- customers by month and channel of their first purchase, against the spend of that month. Channels
-- are merged as those of rpt_lifetime_value are, by the same rule: cells of both are the same
-- customers
with

cells as (

    select
        cohort_month,
        acquisition_channel,
        sum(customers) as customers
    from fct_cohort_months
    where month_number = 0
    group by cohort_month, acquisition_channel

),

judged as (

    select
        cohort_month,
        acquisition_channel,
        customers < 10
        or coalesce(sum(customers) over (
            partition by cohort_month
            order by customers asc, acquisition_channel asc
            rows between unbounded preceding and 1 preceding
        ), 10) < 10 as is_merged
    from cells

),

told as (

    -- the last month that cohort_months tells: subtraction would tell later revenue
    select
        cohort_month,
        max(month_number) as last_month
    from (
        select
            cohort_month,
            month_number
        from fct_cohort_months
        group by cohort_month, month_number
        having sum(active_customers) >= 10
    ) as told_months
    group by cohort_month

),

months as (

    select
        months.cohort_month,
        case when judged.is_merged then 'other' else months.acquisition_channel end as channel,
        months.month_number,
        sum(months.customers) as customers,
        sum(months.purchases) as purchases,
        sum(months.cumulative_revenue_usd) as revenue_usd,
        sum(months.cumulative_margin_usd) as margin_usd
    from fct_cohort_months as months
    inner join judged
        on months.cohort_month = judged.cohort_month
        and months.acquisition_channel = judged.acquisition_channel
    inner join told
        on months.cohort_month = told.cohort_month
        and months.month_number <= told.last_month
    group by
        months.cohort_month,
        case when judged.is_merged then 'other' else months.acquisition_channel end,
        months.month_number

),

spent as (

    -- spend that brought nobody has a row too
    select
        cast(date_trunc('month', spend.performance_date) as date) as cohort_month,
        case when judged.is_merged then 'other' else spend.channel end as channel,
        sum(spend.spend_usd) as spend_usd
    from fct_campaign_performance as spend
    left join judged
        on cast(date_trunc('month', spend.performance_date) as date) = judged.cohort_month
        and spend.channel = judged.acquisition_channel
    group by
        cast(date_trunc('month', spend.performance_date) as date),
        case when judged.is_merged then 'other' else spend.channel end
    having sum(spend.spend_usd) <> 0

),

joined as (

    select
        coalesce(months.cohort_month, spent.cohort_month) as cohort_month,
        coalesce(months.channel, spent.channel) as channel,
        coalesce(max(months.customers), 0) as customers,
        coalesce(sum(months.purchases), 0) as purchases,
        coalesce(max(months.revenue_usd), 0) as revenue_usd,
        coalesce(max(months.margin_usd), 0) as margin_usd,
        max(spent.spend_usd) as spend_usd,
        max(months.month_number) as months_observed,
        min(case when months.margin_usd >= spent.spend_usd then months.month_number end)
            as payback_month
    from months
    full outer join spent
        on months.cohort_month = spent.cohort_month and months.channel = spent.channel
    group by
        coalesce(months.cohort_month, spent.cohort_month),
        coalesce(months.channel, spent.channel)

)

-- of what is too small together the spend alone is told
select
    cohort_month,
    channel,
    channel = 'other' as is_merged,
    cast(case when customers = 0 or customers >= 10 then customers end as bigint) as customers,
    cast(case when customers = 0 or customers >= 10 then purchases end as bigint) as purchases,
    cast(case when customers = 0 or customers >= 10 then revenue_usd end as decimal(18, 2))
        as revenue_usd,
    cast(case when customers = 0 or customers >= 10 then margin_usd end as decimal(18, 2))
        as margin_usd,
    cast(spend_usd as decimal(18, 2)) as spend_usd,
    cast(case when customers >= 10 then months_observed end as integer) as months_observed,
    cast(case when customers >= 10 then payback_month end as integer) as payback_month
from joined
where spend_usd is not null or customers >= 10
