with

rates as (

    select * from {{ ref('int_calendar__exchange_rates') }}

),

unified as (

    {{ platform_days() }}

),

converted as (

    select
        unified.*,
        {{ reporting_rate_date('unified.currency') }} as rate_date,
        {{ in_reporting_currency('unified.spend', 'unified.currency', 'unified.report_date') }}
            as spend_usd,
        {{ in_reporting_currency(
            'unified.conversion_value', 'unified.currency', 'unified.report_date'
        ) }} as conversion_value_usd
    from unified
    {{ join_rates('unified.currency', 'unified.report_date') }}

)

select * from converted
