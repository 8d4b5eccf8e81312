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

moved as (

    -- nobody's orders are taken back: who was there once has a segment ever after
    select
        segments.scored_date,
        dates.previous_date,
        coalesce(earlier.segment, 'first order') as previous_segment,
        segments.segment,
        count(*) as customers,
        cast(sum(segments.monetary_usd) as decimal(18, 2)) as revenue_usd
    from segments
    inner join dates on segments.scored_date = dates.scored_date
    left join segments as earlier
        on segments.customer_key = earlier.customer_key
        and dates.previous_date = earlier.scored_date
    where dates.previous_date is not null
    group by
        segments.scored_date,
        dates.previous_date,
        coalesce(earlier.segment, 'first order'),
        segments.segment

)

select * from moved
