-- each model and window against the orders: revenue to the cent, credit to a millionth
with totals as (

    select
        sum(revenue_usd) as revenue_usd,
        count(case when not is_refunded then 1 end) as conversions
    from fct_conversions

)

select
    credits.model,
    credits.window_days,
    sum(credits.revenue_usd) as revenue_usd,
    max(totals.revenue_usd) as orders_usd,
    sum(credits.credit) as credit,
    max(totals.conversions) as conversions
from fct_attribution as credits
cross join totals
group by credits.model, credits.window_days
order by
    abs(sum(credits.revenue_usd) - max(totals.revenue_usd)) desc,
    abs(sum(credits.credit) - max(totals.conversions)) desc,
    credits.model,
    credits.window_days asc
