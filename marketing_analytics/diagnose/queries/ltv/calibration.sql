-- purchases for each one expected, and the tenths of customers
select
    accuracy.kind,
    accuracy.prediction_date,
    accuracy.horizon_days,
    accuracy.calibration_slope,
    max(case when calibration.group_name = '10' then calibration.revenue_ratio end)
        as best_tenth_ratio,
    accuracy.customers
from rpt_lifetime_value_accuracy as accuracy
left join rpt_lifetime_value_calibration as calibration
    on accuracy.kind = calibration.kind
    and accuracy.prediction_date = calibration.prediction_date
    and accuracy.horizon_days = calibration.horizon_days
    and accuracy.model_id = calibration.model_id
    and calibration.group_kind = 'tenth'
group by
    accuracy.kind,
    accuracy.prediction_date,
    accuracy.horizon_days,
    accuracy.calibration_slope,
    accuracy.customers
order by accuracy.prediction_date desc, accuracy.horizon_days desc, accuracy.kind asc
limit 5
