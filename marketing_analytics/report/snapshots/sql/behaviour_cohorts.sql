-- behavioural cohorts; of fewer than ten buyers, or all but fewer than ten, only how many persons
-- there are
with

told as (

    select
        one.*,
        one.buyers >= 10 and (one.buyers = everyone.buyers or everyone.buyers - one.buyers >= 10)
            as is_told
    from rpt_behaviour_cohorts as one
    inner join rpt_behaviour_cohorts as everyone on everyone.cohort = 'all'

)

select
    cohort,
    persons,
    case when is_told then buyers end as buyers,
    cast(case when is_told then conversion_rate end as decimal(18, 6)) as conversion_rate,
    cast(case when is_told then conversion_lift end as decimal(18, 4)) as conversion_lift,
    cast(case when is_told and repeat_rate * buyers >= 9.5 then repeat_rate end as decimal(18, 4))
        as repeat_rate,
    cast(case when is_told then revenue_per_person_usd end as decimal(18, 2))
        as revenue_per_person_usd
from told
