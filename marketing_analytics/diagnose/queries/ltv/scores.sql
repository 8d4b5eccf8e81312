-- customers with a history against customers with a value, and values that cannot be
with scored as (

    select
        count(*) as customers,
        count(
            case
                when
                    probability_alive is null
                    or probability_alive < 0
                    or probability_alive > 1
                    or expected_revenue_365d_usd < 0
                    then 1
            end
        ) as impossible,
        min(shown_model) as shown_model
    from fct_customer_lifetime_value

),

known as (

    select count(*) as customers from int_value__histories
    where cut_off = 'current'

)

select
    known.customers as with_history,
    scored.customers as with_value,
    scored.impossible,
    scored.shown_model
from known
cross join scored
