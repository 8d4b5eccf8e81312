-- equal values have an equal score, and more is never scored lower
{{ config(tags=['business_logic']) }}

with

measured as (

    select
        'frequency' as measure,
        {{ as_double('frequency') }} as measured_value,
        frequency_score as score
    from {{ ref('fct_customer_rfm') }}

    union all

    select
        'recency' as measure,
        -{{ as_double('recency_days') }} as measured_value,
        recency_score as score
    from {{ ref('fct_customer_rfm') }}

    union all

    select
        'monetary' as measure,
        {{ as_double('monetary_usd') }} as measured_value,
        monetary_score as score
    from {{ ref('fct_customer_rfm') }}

),

ranged as (

    select
        measure,
        measured_value,
        min(score) as lowest_score,
        max(score) as highest_score
    from measured
    group by measure, measured_value

),

compared as (

    select
        *,
        lag(highest_score) over (
            partition by measure
            order by measured_value
        ) as score_below
    from ranged

),

violations as (

    select * from compared
    where
        lowest_score != highest_score
        or lowest_score < coalesce(score_below, 1)
        or highest_score > 5

)

select * from violations
