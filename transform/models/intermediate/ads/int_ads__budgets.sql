with

budgets as (

    select * from {{ ref('stg_shop__budgets') }}

),

rates as (

    select * from {{ ref('int_calendar__exchange_rates') }}

),

rate_spans as (

    select
        currency,
        min(rate_date) as first_rate_date,
        max(valid_until_date) as last_rate_date
    from rates
    group by currency

),

dated as (

    -- a budget is fixed before its month: the rate of its first day applies, or the nearest one of
    -- those that its currency and the reported one have
    select
        budgets.budget_month,
        budgets.platform,
        case when budgets.campaign_id = '' then '(all)' else budgets.campaign_id end
            as campaign_id,
        budgets.currency,
        budgets.budget_amount,
        {{ nearest_rated_date('budgets.budget_month') }} as rated_date
    from budgets
    left join rate_spans as unit_spans on budgets.currency = unit_spans.currency
    left join rate_spans as reporting_spans
        on reporting_spans.currency = '{{ var("reporting_currency") }}'

),

converted as (

    select
        dated.*,
        {{ in_reporting_currency('dated.budget_amount', 'dated.currency', 'dated.rated_date') }}
            as budget_usd
    from dated
    {{ join_rates('dated.currency', 'dated.rated_date') }}

)

select * from converted
