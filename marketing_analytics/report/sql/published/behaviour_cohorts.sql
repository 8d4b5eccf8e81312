-- behavioural cohorts; of fewer than ten buyers, or all but fewer than ten, only how many persons there are
select
    cohorts.cohort,
    cohorts.persons,
    case when told.is_told then cohorts.buyers end as buyers,
    case when told.is_told then cast(cohorts.conversion_rate as decimal(18, 6)) end
        as conversion_rate,
    case when told.is_told then cast(cohorts.conversion_lift as decimal(18, 4)) end
        as conversion_lift,
    case
        when told.is_told and cohorts.repeat_rate * cohorts.buyers >= 9.5
            then cast(cohorts.repeat_rate as decimal(18, 4))
    end as repeat_rate,
    case when told.is_told then cast(cohorts.revenue_per_person_usd as decimal(18, 2)) end
        as revenue_per_person_usd
from rpt_behaviour_cohorts as cohorts
inner join (
    select
        one.cohort,
        one.buyers >= 10 and (one.buyers = everyone.buyers or everyone.buyers - one.buyers >= 10)
            as is_told
    from rpt_behaviour_cohorts as one
    inner join rpt_behaviour_cohorts as everyone on everyone.cohort = 'all'
) as told on cohorts.cohort = told.cohort
