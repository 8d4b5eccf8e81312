with

segments as (

    select * from {{ ref('int_rfm__segments') }}
    where is_latest

),

today as (

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
        segment
    from segments

)

select * from today
