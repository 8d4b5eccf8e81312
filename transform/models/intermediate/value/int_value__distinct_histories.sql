with

histories as (

    select * from {{ ref('int_value__histories') }}

),

counted as (

    select
        cut_off,
        as_of_date,
        frequency,
        recency_days,
        age_days,
        count(*) as customers
    from histories
    group by cut_off, as_of_date, frequency, recency_days, age_days

)

select * from counted
