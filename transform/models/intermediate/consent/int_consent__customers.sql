with

customers as (

    select * from {{ ref(orders_model('customers')) }}

),

decisions as (

    select * from {{ ref('int_consent__decisions') }}

),

defaults as (

    select * from {{ ref('consent_defaults') }}

),

keyed as (

    -- who decides as a customer and who decides by an address is one person
    select
        customer_key,
        customer_key as person_key
    from customers

    union all

    select
        customer_key,
        email_key as person_key
    from customers

),

ranked as (

    -- the last decision of a purpose is in force, for the past as well; of two at one moment the
    -- refusal
    select
        keyed.customer_key,
        decisions.purpose,
        decisions.is_granted,
        row_number() over (
            partition by keyed.customer_key, decisions.purpose
            order by
                decisions.changed_at desc,
                case when decisions.is_granted then 1 else 0 end asc,
                decisions.decision_source asc
        ) as decision_rank
    from decisions
    inner join keyed on decisions.person_key = keyed.person_key

),

asked as (

    -- the rule of the own country, else that of all
    select
        customers.customer_key,
        rules.purpose,
        coalesce(own.is_granted, rules.is_granted) as is_granted
    from customers
    cross join defaults as rules
    left join defaults as own
        on customers.country = own.country and rules.purpose = own.purpose
    where rules.country = '*'

),

in_force as (

    select
        asked.customer_key,
        asked.purpose,
        coalesce(ranked.is_granted, asked.is_granted) as is_granted
    from asked
    left join ranked
        on asked.customer_key = ranked.customer_key
        and asked.purpose = ranked.purpose
        and ranked.decision_rank = 1

),

denied as (

    select
        customer_key,
        max(case when purpose = 'analytics' then 1 else 0 end) = 1 as has_denied_analytics,
        max(case when purpose = 'marketing' then 1 else 0 end) = 1 as has_denied_marketing,
        max(case when purpose = 'profiling' then 1 else 0 end) = 1 as has_denied_profiling
    from in_force
    where not is_granted
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
        -- who is not measured cannot be profiled
        coalesce(denied.has_denied_profiling or denied.has_denied_analytics, false)
            as has_denied_profiling,
        -- measuring needs consent to analytics; marketing is about being written to
        coalesce(denied.has_denied_analytics, false) as is_opted_out
    from customers
    left join denied on customers.customer_key = denied.customer_key

)

select * from decided
