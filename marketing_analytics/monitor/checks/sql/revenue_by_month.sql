-- revenue of the executive page beside that of all conversions: today's are in both
with

kpis as (

    select
        kpi_month,
        actual_value
    from {marts}.rpt_executive_kpis
    where metric = 'revenue_usd'

),

conversions as (

    select
        cast(date_trunc('month', conversion_date) as date) as conversion_month,
        sum(revenue_usd) as revenue_usd
    from {marts}.fct_conversions
    group by cast(date_trunc('month', conversion_date) as date)

)

select
    kpis.kpi_month as day,
    kpis.actual_value as reported_usd,
    coalesce(conversions.revenue_usd, 0) as revenue_usd
from kpis
left join conversions on kpis.kpi_month = conversions.conversion_month
order by kpis.kpi_month
