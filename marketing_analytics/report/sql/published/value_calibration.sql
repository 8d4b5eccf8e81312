-- the same by tenth and channel of acquisition: cells are merged in the mart; their customers are not told
select
    groups.kind,
    groups.prediction_date,
    groups.horizon_days,
    groups.group_kind,
    groups.group_name,
    groups.is_merged,
    cast(groups.expected_purchases as decimal(18, 1)) as expected_purchases,
    groups.purchases,
    cast(round(groups.expected_revenue_usd / 10) as bigint) * 10 as expected_revenue_usd,
    cast(round(groups.revenue_usd / 10) as bigint) * 10 as revenue_usd
from rpt_lifetime_value_calibration as groups
inner join (
    select
        kind,
        prediction_date,
        horizon_days,
        row_number() over (
            partition by horizon_days
            order by case when kind = 'kept' then 0 else 1 end asc, prediction_date desc
        ) as place
    from rpt_lifetime_value_accuracy
    where customers >= 10
) as judgements
    on groups.kind = judgements.kind
    and groups.prediction_date = judgements.prediction_date
    and groups.horizon_days = judgements.horizon_days
where judgements.place = 1 and groups.group_kind in ('tenth', 'channel')
