with

rates as (

    select * from {{ ref('stg_shop__exchange_rates') }}

),

followed as (

    select
        currency,
        rate_date,
        usd_per_unit,
        lead(rate_date) over (partition by currency order by rate_date) as next_rate_date
    from rates
    where usd_per_unit > 0

),

valid as (

    -- banks publish no rates on weekends and holidays: the last one holds, but not for ever
    select
        currency,
        rate_date,
        usd_per_unit,
        case
            when
                next_rate_date is not null
                and {{ days_between('rate_date', 'next_rate_date') }}
                <= {{ var('exchange_rate_days') }}
                then {{ day_before('next_rate_date') }}
            else {{ days_after('rate_date', var('exchange_rate_days')) }}
        end as valid_until_date
    from followed

)

select * from valid
