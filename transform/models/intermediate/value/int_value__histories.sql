with

purchases as (

    select * from {{ ref('int_value__purchases') }}

),

acquisitions as (

    select * from {{ ref('int_value__acquisitions') }}

),

as_of as (

    select * from {{ ref('int_calendar__as_of') }}

),

cut_offs as (

    -- the day that stands for today, and one long enough ago to be judged by now
    select
        'current' as cut_off,
        as_of_date
    from as_of

    union all

    select
        'hold_out' as cut_off,
        {{ days_after('as_of_date', '-' ~ var('ltv_hold_out_days')) }} as as_of_date
    from as_of

),

summed as (

    select
        cut_offs.cut_off,
        cut_offs.as_of_date,
        acquisitions.customer_key,
        acquisitions.cohort_month,
        acquisitions.acquisition_channel,
        acquisitions.first_purchase_date,
        max(purchases.purchase_date) as last_purchase_date,
        count(*) - 1 as frequency,
        sum(
            case
                when purchases.purchase_date > acquisitions.first_purchase_date
                    then purchases.revenue_usd
                else 0
            end
        ) as repeat_usd
    from purchases
    inner join acquisitions on purchases.customer_key = acquisitions.customer_key
    inner join cut_offs on purchases.purchase_date <= cut_offs.as_of_date
    group by
        cut_offs.cut_off,
        cut_offs.as_of_date,
        acquisitions.customer_key,
        acquisitions.cohort_month,
        acquisitions.acquisition_channel,
        acquisitions.first_purchase_date

),

histories as (

    select
        cut_off,
        as_of_date,
        customer_key,
        cohort_month,
        acquisition_channel,
        first_purchase_date,
        last_purchase_date,
        cast(frequency as bigint) as frequency,
        cast({{ days_between('first_purchase_date', 'last_purchase_date') }} as bigint)
            as recency_days,
        cast({{ days_between('first_purchase_date', 'as_of_date') }} as bigint) as age_days,
        cast(repeat_usd as decimal(18, 2)) as repeat_usd
    from summed

)

select * from histories
