with

orders as (

    select * from {{ ref('int_orders__revenue') }}

),

spend as (

    select * from {{ ref('fct_ad_spend') }}

),

attribution as (

    select * from {{ ref('int_attribution__default_model') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

budgets as (

    select * from {{ ref('int_ads__budgets') }}

),

targets as (

    select * from {{ ref('stg_shop__targets') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

order_months as (

    select
        {{ month_start('order_date') }} as kpi_month,
        count(*) as orders,
        count(case when is_first_order then 1 end) as new_customers,
        sum(revenue_usd) as revenue_usd
    from orders
    group by 1

),

spend_months as (

    select
        {{ month_start('report_date') }} as kpi_month,
        sum(spend_usd) as spend_usd
    from spend
    group by 1

),

loaded as (
    -- days whose spend is known: revenue of touches on others is not held against it
    {{ loaded_spend_days() }}
),

attributed_months as (

    select
        {{ month_start('attribution.conversion_date') }} as kpi_month,
        sum(attribution.revenue_usd) as paid_revenue_usd
    from attribution
    inner join channels on attribution.channel = channels.channel and channels.is_paid
    inner join loaded
        on attribution.platform = loaded.platform
        and attribution.touch_date between loaded.first_date and loaded.last_date
    group by 1

),

months as (

    select kpi_month from order_months

    {{ union_distinct() }}

    select kpi_month from spend_months

),

monthly as (

    select
        months.kpi_month,
        coalesce(order_months.orders, 0) as orders,
        coalesce(order_months.new_customers, 0) as new_customers,
        coalesce(order_months.revenue_usd, 0) as revenue_usd,
        spend_months.spend_usd,
        case
            when spend_months.kpi_month is not null
                then coalesce(attributed_months.paid_revenue_usd, 0)
        end as paid_revenue_usd
    from months
    left join order_months on months.kpi_month = order_months.kpi_month
    left join spend_months on months.kpi_month = spend_months.kpi_month
    left join attributed_months on months.kpi_month = attributed_months.kpi_month

),

metrics as (

    select 'spend_usd' as metric
    union all
    select 'revenue_usd' as metric
    union all
    select 'orders' as metric
    union all
    select 'new_customers' as metric
    union all
    select 'paid_revenue_usd' as metric
    union all
    select 'roas' as metric
    union all
    select 'paid_roas' as metric
    union all
    select 'cac_usd' as metric
    union all
    select 'aov_usd' as metric

),

actuals as (

    select
        monthly.kpi_month,
        metrics.metric,
        metrics.metric not in ('roas', 'paid_roas', 'cac_usd', 'aov_usd') as is_total,
        case metrics.metric
            when 'spend_usd' then {{ as_double('monthly.spend_usd') }}
            when 'revenue_usd' then {{ as_double('monthly.revenue_usd') }}
            when 'orders' then {{ as_double('monthly.orders') }}
            when 'new_customers' then {{ as_double('monthly.new_customers') }}
            when 'paid_revenue_usd' then {{ as_double('monthly.paid_revenue_usd') }}
            when 'roas' then {{ safe_ratio('monthly.revenue_usd', 'monthly.spend_usd') }}
            when 'paid_roas' then {{ safe_ratio('monthly.paid_revenue_usd', 'monthly.spend_usd') }}
            when 'cac_usd' then {{ safe_ratio('monthly.spend_usd', 'monthly.new_customers') }}
            when 'aov_usd' then {{ safe_ratio('monthly.revenue_usd', 'monthly.orders') }}
        end as actual_value
    from monthly
    cross join metrics

),

spending_platforms as (

    select distinct platform from spend

),

budget_months as (

    -- only platforms whose spend is known can be held against their budget
    select
        budgets.budget_month as plan_month,
        sum(budgets.budget_usd) as budget_usd
    from budgets
    inner join spending_platforms on budgets.platform = spending_platforms.platform
    where budgets.campaign_id = '(all)'
    group by 1

),

plans as (

    select
        plan_month,
        'spend_usd' as metric,
        'budget' as plan_source,
        {{ as_double('budget_usd') }} as plan_value
    from budget_months

    union all

    -- a stated budget goes before a target for the same thing
    select
        targets.target_month as plan_month,
        targets.metric,
        'target' as plan_source,
        {{ as_double('targets.target_value') }} as plan_value
    from targets
    left join budget_months
        on targets.target_month = budget_months.plan_month and targets.metric = 'spend_usd'
    where budget_months.plan_month is null

),

compared as (

    select
        actuals.kpi_month,
        actuals.metric,
        actuals.is_total,
        actuals.actual_value,
        plans.plan_value,
        plans.plan_source,
        as_of.as_of_date,
        -- share of the month that has passed at the end of the as-of date
        least(
            greatest(
                {{ as_double(days_between('actuals.kpi_month', 'as_of.as_of_date') ~ ' + 1') }}, 0
            )
            / (
                {{ days_between('actuals.kpi_month', month_end('actuals.kpi_month')) }} + 1
            ),
            1
        ) as month_elapsed_share
    from actuals
    cross join as_of
    left join plans
        on actuals.kpi_month = plans.plan_month and actuals.metric = plans.metric

),

kpis as (

    select
        kpi_month,
        metric,
        {{ round_half('actual_value', 4) }} as actual_value,
        {{ round_half('plan_value', 4) }} as plan_value,
        plan_source,
        {{ round_half('actual_value - plan_value', 4) }} as variance_value,
        {{ safe_ratio('actual_value', 'plan_value') }} as attainment,
        month_elapsed_share,
        -- totals grow over the month, ratios do not
        {{ safe_ratio(
            'actual_value', 'plan_value * case when is_total then month_elapsed_share else 1 end'
        ) }} as pacing,
        as_of_date
    from compared

)

select * from kpis
