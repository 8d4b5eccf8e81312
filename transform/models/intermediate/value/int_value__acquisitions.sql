with

purchases as (

    select * from {{ ref('int_value__purchases') }}

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}

),

firsts as (

    select
        customer_key,
        min(purchase_date) as first_purchase_date
    from purchases
    group by customer_key

),

ranked as (

    select
        firsts.customer_key,
        firsts.first_purchase_date,
        touchpoints.channel,
        row_number() over (
            partition by firsts.customer_key
            order by
                touchpoints.touched_at,
                touchpoints.ga_session_number,
                touchpoints.touchpoint_id
        ) as visit_rank
    from firsts
    left join touchpoints
        on firsts.customer_key = touchpoints.person_key
        and firsts.first_purchase_date >= touchpoints.touch_date

),

acquired as (

    select
        customer_key,
        first_purchase_date,
        {{ month_start('first_purchase_date') }} as cohort_month,
        coalesce(channel, 'unknown') as acquisition_channel
    from ranked
    where visit_rank = 1

)

select * from acquired
