with

orders as (

    select * from {{ ref('int_segments__orders') }}

),

thresholds as (

    select * from {{ ref('rfm_thresholds') }}

),

rules as (

    select * from {{ ref('rfm_segments') }}

),

measures as (

    select
        cut_off_date as scored_date,
        customer_key,
        order_recency_days as recency_days,
        orders as frequency,
        net_usd as monetary_usd
    from orders

),

{{ rfm_steps('measures') }},

named as (

    select
        scored.scored_date as cut_off_date,
        scored.customer_key,
        scored.recency_score,
        scored.frequency_score,
        scored.monetary_score,
        fitting.segment
    from scored
    inner join fitting
        on scored.recency_score = fitting.recency_score
        and scored.frequency_score = fitting.frequency_score
        and scored.monetary_score = fitting.monetary_score
        and scored.frequency = fitting.frequency
        and fitting.choice = 1

)

select * from named
