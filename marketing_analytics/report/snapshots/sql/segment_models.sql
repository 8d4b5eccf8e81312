-- the last training of each predictive segment; why there was none tells numbers of customers, and
-- stays here
select
    segment_name,
    outcome,
    as_of_date,
    status,
    is_published,
    is_in_force,
    case when status = 'unpublished' then reason end as reason,
    horizon_days,
    judged_on_date,
    case when judge_customers >= 10 then judge_customers end as judge_customers,
    cast(lift as decimal(18, 4)) as lift,
    cast(rfm_lift as decimal(18, 4)) as rfm_lift,
    cast(auc as decimal(18, 4)) as auc,
    cast(rfm_auc as decimal(18, 4)) as rfm_auc
from (
    select
        *,
        row_number() over (
            partition by segment_name, outcome
            order by as_of_date desc, trained_at desc
        ) as place
    from rpt_segment_models
) as trainings
where place = 1
