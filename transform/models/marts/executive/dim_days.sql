with

conversions as (

    select * from {{ ref('fct_conversions') }}

),

spend as (

    select * from {{ ref('fct_ad_spend') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

digits as (
    {{ digits() }}
),

numbers as (

    -- 273 years: one order of 1970, as mistakes are dated, must not end the calendar before today
    select
        ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit
        + 10000 * ten_thousands.digit as number
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
    cross join digits as ten_thousands

),

known as (

    select conversion_date as known_date from conversions

    union all

    select report_date as known_date from spend

    union all

    select as_of_date as known_date from as_of

),

bounds as (

    select
        min(known_date) as first_date,
        max(known_date) as last_date
    from known

),

days as (

    select {{ days_after('bounds.first_date', 'numbers.number') }} as day_date
    from bounds
    inner join numbers
        on numbers.number <= {{ days_between('bounds.first_date', 'bounds.last_date') }}

)

select * from days
