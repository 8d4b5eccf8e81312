select
    calibration.kind,
    calibration.horizon_days,
    calibration.group_name,
    calibration.expected_purchases,
    calibration.purchases
from {marts}.rpt_lifetime_value_calibration as calibration
inner join (
    select
        kind,
        horizon_days,
        max(prediction_date) as prediction_date
    from {marts}.rpt_lifetime_value_calibration
    group by kind, horizon_days
) as latest
    on calibration.kind = latest.kind
    and calibration.horizon_days = latest.horizon_days
    and calibration.prediction_date = latest.prediction_date
where calibration.group_kind = 'tenth'
order by calibration.kind, calibration.horizon_days, calibration.group_name
