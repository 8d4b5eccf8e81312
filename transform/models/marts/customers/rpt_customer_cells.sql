with

customers as (

    select * from {{ ref('dim_customers') }}

),

values_by_customer as (

    select * from {{ ref('fct_customer_value') }}

),

scores as (

    select * from {{ ref('fct_customer_rfm') }}

),

members as (

    select
        'country' as breakdown,
        coalesce(customers.country, 'unknown') as cell,
        values_by_customer.revenue_usd
    from values_by_customer
    inner join customers on values_by_customer.customer_key = customers.customer_key

    union all

    select
        'cohort_month' as breakdown,
        {{ as_text('cohort_month') }} as cell,
        revenue_usd
    from values_by_customer

    union all

    select
        'segment' as breakdown,
        scores.segment as cell,
        values_by_customer.revenue_usd
    from scores
    inner join values_by_customer on scores.customer_key = values_by_customer.customer_key

),

counted as (

    select
        breakdown,
        cell,
        count(*) as customers,
        sum(revenue_usd) as revenue_usd
    from members
    group by breakdown, cell

),

judged as (

    select
        *,
        {{ is_merged_cell('customers', 'breakdown', 'cell') }} as is_merged
    from counted

),

published as (

    select
        breakdown,
        {{ cell_name('cell') }} as cell,
        is_merged,
        cast(count(*) as bigint) as merged_cells,
        cast(sum(customers) as bigint) as customers,
        cast(sum(revenue_usd) as decimal(18, 2)) as revenue_usd
    from judged
    group by breakdown, {{ cell_name('cell') }}, is_merged
    having sum(customers) >= {{ var('minimum_cell_customers') }}

)

select * from published
