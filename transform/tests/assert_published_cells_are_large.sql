-- no report tells of fewer customers, or other persons, than minimum_cell_customers
{{ config(tags=['customer_consent']) }}

with

cells as (

    select customers from {{ ref('rpt_customer_cells') }}

    union all

    select customers from {{ ref('rpt_rfm_migration') }}

    union all

    select customers from {{ ref('rpt_lifetime_value') }}

    union all

    select customers from {{ ref('rpt_lifetime_value_calibration') }}

    union all

    select customers from {{ ref('rpt_acquisition_cohorts') }}

    union all

    select persons as customers from {{ ref('rpt_behaviour_cohorts') }}

),

violations as (

    select customers from cells
    where customers > 0 and customers < {{ var('minimum_cell_customers') }}

)

select * from violations
