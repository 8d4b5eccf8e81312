-- revenue that each model hands out, beside that of the conversions
with

conversions as (

    select
        conversion_date,
        sum(revenue_usd) as revenue_usd
    from {marts}.fct_conversions
    where conversion_date > ? and conversion_date <= ?
    group by conversion_date

),

models as (

    select distinct model
    from {marts}.fct_attribution
    where is_own_window and conversion_date > ? and conversion_date <= ?

),

attributed as (

    select
        model,
        conversion_date,
        sum(revenue_usd) as revenue_usd
    from {marts}.fct_attribution
    where is_own_window and conversion_date > ? and conversion_date <= ?
    group by model, conversion_date

)

select
    models.model,
    conversions.conversion_date as day,
    conversions.revenue_usd,
    coalesce(attributed.revenue_usd, 0) as attributed_usd
from conversions
cross join models
left join attributed
    on models.model = attributed.model
    and conversions.conversion_date = attributed.conversion_date
order by models.model, conversions.conversion_date
