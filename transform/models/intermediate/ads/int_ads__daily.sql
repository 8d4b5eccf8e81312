with

rates as (

    select * from {{ ref('stg_shop__exchange_rates') }}

),

unified as (

    {{ platform_days() }}

),

converted as (

    select
        unified.*,
        {{ usd('unified.spend', rate_or_one('unified.currency', 'rates.usd_per_unit')) }}
            as spend_usd,
        {{ usd('unified.conversion_value', rate_or_one('unified.currency', 'rates.usd_per_unit')) }}
            as conversion_value_usd
    from unified
    left join rates
        on unified.currency = rates.currency and unified.report_date = rates.rate_date

)

select * from converted
