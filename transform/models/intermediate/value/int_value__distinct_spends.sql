with

histories as (

    select * from {{ ref('int_value__histories') }}

),

counted as (

    select
        cut_off,
        as_of_date,
        frequency,
        {{ as_double('repeat_usd') }} as repeat_usd,
        count(*) as customers
    from histories
    where frequency > 0
    group by cut_off, as_of_date, frequency, repeat_usd

)

select * from counted
