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

scored as (
    {{ rfm_scored('measures') }}
),

kinds as (

    select distinct
        recency_score,
        frequency_score,
        monetary_score,
        frequency
    from scored

),

fitting as (

    select
        kinds.*,
        rules.segment,
        row_number() over (
            partition by
                kinds.recency_score, kinds.frequency_score, kinds.monetary_score, kinds.frequency
            order by rules.priority
        ) as choice
    from kinds
    inner join rules
        on {{ is_within('kinds.recency_score', 'rules.recency') }}
        and {{ is_within('kinds.frequency_score', 'rules.frequency') }}
        and {{ is_within('kinds.monetary_score', 'rules.monetary') }}
        and {{ is_within('kinds.frequency', 'rules.orders') }}

),

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
