-- both kinds of days hold the revenue of all conversions, under every model and in every window
{{ config(tags=['conservation']) }}

with

days as (

    select * from {{ ref('rpt_attribution_days') }}

),

conversions as (

    select * from {{ ref('fct_conversions') }}

),

windows as (
    {{ attribution_windows() }}
),

models as (
    {{ attribution_models() }}
),

kinds as (

    select 'conversion' as day_kind
    union all
    select 'touch' as day_kind

),

expected as (

    select
        sum(revenue_usd) as revenue_usd,
        sum(case when is_refunded then 0 else 1 end) as credit
    from conversions

),

asked as (

    select
        kinds.day_kind,
        windows.window_days,
        models.model,
        expected.revenue_usd,
        expected.credit
    from kinds
    cross join windows
    cross join models
    cross join expected

),

found as (

    select
        day_kind,
        window_days,
        model,
        sum(revenue_usd) as revenue_usd,
        sum(credit) as credit
    from days
    group by day_kind, window_days, model

),

violations as (

    select asked.*
    from asked
    left join found
        on asked.day_kind = found.day_kind
        and asked.window_days = found.window_days
        and asked.model = found.model
    where
        abs(coalesce(found.revenue_usd, 0) - coalesce(asked.revenue_usd, 0)) > 0.005
        or abs(coalesce(found.credit, 0) - coalesce(asked.credit, 0)) > 0.000001

)

select * from violations
