with

features as (

    select * from {{ ref('int_behaviour__features') }}

),

conditions as (

    select
        cohort,
        feature,
        pattern,
        count(*) over (partition by cohort) as conditions
    from {{ ref('behaviour_cohorts') }}

),

met as (

    select distinct
        features.person_key,
        conditions.cohort,
        conditions.conditions,
        conditions.feature,
        conditions.pattern
    from features
    inner join conditions
        on features.feature = conditions.feature
        and features.feature_value like conditions.pattern

),

members as (

    -- who meets all conditions of a cohort belongs to it
    select
        person_key,
        cohort
    from met
    group by person_key, cohort, conditions
    having count(*) = conditions

)

select * from members
