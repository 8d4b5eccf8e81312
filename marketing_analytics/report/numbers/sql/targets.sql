-- the plan of a range of days: a total by its share of the days of each month, a ratio as their
-- average; none where a month of the range has no plan
with

days as (

    select cast(unnest(range(
        cast($from_date as timestamp), cast($to_date as timestamp) + interval 1 day, interval 1 day
    )) as date) as day_date

),

planned as (

    select
        days.day_date,
        kpis.plan_value,
        kpis.plan_value / day(last_day(days.day_date)) as plan_of_the_day
    from days
    left join rpt_executive_kpis as kpis
        on kpis.kpi_month = date_trunc('month', days.day_date)
        and kpis.metric = $metric

)

select
    case
        when count(*) > count(plan_value) then null
        when $is_total then sum(plan_of_the_day)
        else avg(plan_value)
    end
from planned
