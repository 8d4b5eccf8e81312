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
        sum(monetary_usd) as revenue_usd
    from compared
    group by scored_date, previous_date, previous_segment, segment

),

judged as (

    select
        *,
        {{ is_merged_cell('customers', 'scored_date', 'previous_segment, segment') }} as is_merged
    from moved

),

published as (

    select
        scored_date,
        previous_date,
        {{ cell_name('previous_segment') }} as previous_segment,
        {{ cell_name('segment') }} as segment,
        is_merged,
        cast(sum(customers) as bigint) as customers,
        cast(sum(revenue_usd) as decimal(18, 2)) as revenue_usd
    from judged
    group by
        scored_date,
        previous_date,
        {{ cell_name('previous_segment') }},
        {{ cell_name('segment') }},
        is_merged
    having sum(customers) >= {{ var('minimum_cell_customers') }}

)

select * from published
