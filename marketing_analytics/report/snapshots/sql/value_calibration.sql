-- expected and real purchases by tenth and by channel of acquisition: cells are merged in the mart,
-- their customers not told
with

judged as (

    select
        kind,
        prediction_date,
        horizon_days,
        row_number() over (
            partition by horizon_days
            order by case when kind = 'kept' then 0 else 1 end asc, prediction_date desc
        ) as rank_number
    from rpt_lifetime_value_accuracy
    where customers >= 10

)

select
    cells.kind,
    cells.prediction_date,
    cells.horizon_days,
    cells.group_kind,
    cells.group_name,
    cells.is_merged,
    cast(cells.expected_purchases as decimal(18, 1)) as expected_purchases,
    cells.purchases,
    cast(round(cells.expected_revenue_usd / 10) as bigint) * 10 as expected_revenue_usd,
    cast(round(cells.revenue_usd / 10) as bigint) * 10 as revenue_usd
from rpt_lifetime_value_calibration as cells
inner join judged
    on cells.kind = judged.kind
    and cells.prediction_date = judged.prediction_date
    and cells.horizon_days = judged.horizon_days
where judged.rank_number = 1 and cells.group_kind in ('tenth', 'channel')
