-- currencies that money is counted in, and until when their rate holds
with used as (

    select currency from dim_campaigns
    union
    select currency from fct_conversions

),

rated as (

    select
        currency,
        max(valid_until_date) as valid_until_date
    from int_calendar__exchange_rates
    group by currency

)

select
    used.currency,
    rated.valid_until_date,
    as_of.as_of_date
from used
left join rated on used.currency = rated.currency
cross join int_calendar__as_of as as_of
where used.currency is not null and used.currency <> 'USD'
order by rated.valid_until_date nulls first, used.currency
