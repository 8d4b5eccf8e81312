with

measures as (

    select * from {{ ref('int_rfm__measures') }}

),

thresholds as (

    select * from {{ ref('rfm_thresholds') }}

),

rules as (

    select * from {{ ref('rfm_segments') }}

),

{{ rfm_steps('measures') }},

named as (

    select
        scored.scored_date,
        scored.is_latest,
        scored.customer_key,
        scored.recency_days,
        scored.frequency,
        scored.monetary_usd,
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
