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

bounded as (

    -- empty: whatever lies below the others
    select
        measure,
        score,
        coalesce(at_least, -1000000000000000) as at_least
    from thresholds

),

bounds as (

    select
        *,
        lead(at_least) over (partition by measure order by at_least) as below
    from bounded

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

scored as (
    {{ rfm_scored('measures') }}
),

kinds as (

    select
        recency_score,
        frequency_score,
        monetary_score,
        frequency
    from scored
    group by recency_score, frequency_score, monetary_score, frequency

),

fitting as (
    {{ rfm_fitting('inner') }}
),

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
