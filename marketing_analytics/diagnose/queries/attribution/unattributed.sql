-- revenue of the last twelve weeks, what of it no touch leads to in the own window, and why
with credits as (

    select
        conversions.revenue_usd,
        credits.channel is not null as is_unattributed,
        case
            when conversions.is_opted_out then 'refused'
            when conversions.is_guest then 'guest'
            when not conversions.is_tracked then 'untracked'
            else 'no touch'
        end as reason
    from fct_conversions as conversions
    cross join int_calendar__as_of as as_of
    left join int_attribution__default_model as credits
        on conversions.conversion_id = credits.conversion_id
        and credits.channel = 'unattributed'
    where conversions.conversion_date > as_of.as_of_date - 84 and not conversions.is_refunded

)

select
    sum(revenue_usd) as revenue_usd,
    sum(case when is_unattributed then revenue_usd else 0 end) as unattributed_usd,
    sum(case when is_unattributed and reason = 'refused' then revenue_usd else 0 end)
        as refused_usd,
    sum(case when is_unattributed and reason = 'guest' then revenue_usd else 0 end) as guests_usd,
    sum(case when is_unattributed and reason = 'untracked' then revenue_usd else 0 end)
        as untracked_usd,
    sum(case when is_unattributed and reason = 'no touch' then revenue_usd else 0 end)
        as no_touch_usd
from credits
