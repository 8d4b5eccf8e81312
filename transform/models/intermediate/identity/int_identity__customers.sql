with

customers as (

    select * from {{ ref(orders_model('customers')) }}

),

consents as (

    select * from {{ ref('stg_shop__consents') }}

),

ranked as (

    select
        customer_key,
        purpose,
        is_granted,
        row_number() over (
            partition by customer_key, purpose
            order by changed_at desc, consent_id desc
        ) as decision_rank
    from consents

),

denied as (

    -- the last decision of a purpose is in force, for the past as well
    select
        customer_key,
        max(case when purpose = 'analytics' then 1 else 0 end) = 1 as has_denied_analytics,
        max(case when purpose = 'marketing' then 1 else 0 end) = 1 as has_denied_marketing
    from ranked
    where decision_rank = 1 and not is_granted
    group by customer_key

),

decided as (

    select
        customers.customer_key,
        customers.email_key,
        customers.country,
        customers.created_at,
        coalesce(denied.has_denied_analytics, false) as has_denied_analytics,
        coalesce(denied.has_denied_marketing, false) as has_denied_marketing,
        -- measuring needs consent to analytics; marketing is about being written to
        coalesce(denied.has_denied_analytics, false) as is_opted_out
    from customers
    left join denied on customers.customer_key = denied.customer_key

)

select * from decided
