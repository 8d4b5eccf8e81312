-- cohorts hold every purchase, every customer and every dollar of spend once; what is published of
-- them holds all spend, and leaves out customers that are too few
{{ config(tags=['conservation']) }}

with

months as (

    select
        sum(revenue_usd) as revenue_usd,
        sum(case when month_number = 0 then customers end) as customers
    from {{ ref('fct_cohort_months') }}

),

purchases as (

    select
        sum(revenue_usd) as revenue_usd,
        count(distinct customer_key) as customers
    from {{ ref('int_value__purchases') }}

),

cohorts as (

    select
        sum(revenue_usd) as revenue_usd,
        sum(customers) as customers,
        sum(spend_usd) as spend_usd
    from {{ ref('rpt_acquisition_cohorts') }}

),

spend as (

    select sum(spend_usd) as spend_usd
    from {{ ref('fct_ad_spend') }}

),

violations as (

    select
        months.revenue_usd,
        months.customers,
        cohorts.spend_usd
    from months
    cross join purchases
    cross join cohorts
    cross join spend
    where
        coalesce(months.revenue_usd, 0) <> coalesce(purchases.revenue_usd, 0)
        or coalesce(months.customers, 0) <> coalesce(purchases.customers, 0)
        or coalesce(cohorts.customers, 0) > coalesce(purchases.customers, 0)
        or (
            cohorts.customers = purchases.customers
            and cohorts.revenue_usd <> purchases.revenue_usd
        )
        or coalesce(cohorts.spend_usd, 0) <> coalesce(spend.spend_usd, 0)

)

select * from violations
