with

segments as (

    select * from {{ ref('int_rfm__segments') }}

),

dates as (

    select
        scored_date,
        lag(scored_date) over (order by scored_date) as previous_date
    from segments
    group by scored_date

),

compared as (

    -- nobody's orders are taken back: who was there once has a segment ever after
    select
        segments.scored_date,
        dates.previous_date,
        coalesce(earlier.segment, 'first order') as previous_segment,
        segments.segment,
        segments.monetary_usd
    from segments
    inner join dates
        on segments.scored_date = dates.scored_date
        and dates.previous_date is not null
    left join segments as earlier
        on segments.customer_key = earlier.customer_key
        and dates.previous_date = earlier.scored_date

),

moved as (

    select
        scored_date,
        previous_date,
        previous_segment,
        segment,
        count(*) as customers,
        cast(sum(monetary_usd) as decimal(18, 2)) as revenue_usd
    from compared
    group by scored_date, previous_date, previous_segment, segment

)

select * from moved
