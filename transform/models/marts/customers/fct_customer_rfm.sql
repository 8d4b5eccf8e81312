with

customer_value as (

    select * from {{ ref('fct_customer_value') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

measured as (

    select
        customer_value.customer_key,
        cast(
            {{ days_between('customer_value.last_order_date', 'as_of.as_of_date') }} as integer
        ) as recency_days,
        customer_value.orders as frequency,
        customer_value.revenue_usd as monetary_usd
    from customer_value
    cross join as_of

),

scored as (

    -- equal values get an equal score, which ntile would not do
    select
        *,
        cast(ceil(5 * cume_dist() over (order by recency_days desc)) as integer)
            as recency_score,
        cast(ceil(5 * cume_dist() over (order by frequency)) as integer) as frequency_score,
        cast(ceil(5 * cume_dist() over (order by monetary_usd)) as integer) as monetary_score
    from measured

),

segmented as (

    select
        customer_key,
        recency_days,
        frequency,
        monetary_usd,
        recency_score,
        frequency_score,
        monetary_score,
        {{ as_text('recency_score') }}
        || {{ as_text('frequency_score') }}
        || {{ as_text('monetary_score') }} as rfm_score,
        case
            when recency_score >= 4 and frequency_score >= 4 then 'champions'
            when recency_score >= 4 and frequency = 1 then 'new'
            when recency_score >= 3 and frequency_score >= 3 then 'loyal'
            when recency_score >= 3 then 'promising'
            when frequency_score >= 4 then 'at_risk'
            when recency_score = 2 then 'slipping'
            else 'lost'
        end as segment
    from scored

)

select * from segmented
