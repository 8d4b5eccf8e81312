-- platforms that spend this month, and whether they have a budget; and the month's targets
with months as (

    select cast(date_trunc('month', as_of_date) as date) as month from int_calendar__as_of

),

spent as (

    select
        spend.platform,
        sum(spend.spend_usd) as spend_usd
    from fct_ad_spend as spend
    cross join months
    where spend.report_date >= months.month
    group by spend.platform

),

budgets as (

    select
        budgets.platform,
        sum(budgets.budget_amount) as budget
    from stg_shop__budgets as budgets
    inner join months on budgets.budget_month = months.month
    group by budgets.platform

)

select
    'budget of ' || spent.platform as plan,
    months.month,
    spent.spend_usd as actual,
    budgets.budget as planned
from spent
cross join months
left join budgets on spent.platform = budgets.platform
union all
select
    'targets' as plan,
    months.month,
    null as actual,
    (
        select count(*) from stg_shop__targets as targets
        where targets.target_month = months.month
    ) as planned
from months
