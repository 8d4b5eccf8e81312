-- conversions, channels and months hold the same net revenue as the shop's orders
{{ config(tags=['reconciliation']) }}

with

ordered as (

    select coalesce(sum(revenue_usd), 0) as revenue_usd from {{ ref('int_orders__revenue') }}

),

reported as (

    select
        'conversions' as place,
        coalesce(sum(revenue_usd), 0) as revenue_usd
    from {{ ref('fct_conversions') }}

    union all

    select
        'channels ' || model || ' ' || {{ as_text('window_days') }} as place,
        coalesce(sum(revenue_usd), 0) as revenue_usd
    from {{ ref('rpt_channel_attribution') }}
    group by model, window_days

),

violations as (

    select
        reported.place,
        reported.revenue_usd,
        ordered.revenue_usd as orders_revenue_usd
    from reported
    cross join ordered
    where reported.revenue_usd != ordered.revenue_usd

)

select * from violations
