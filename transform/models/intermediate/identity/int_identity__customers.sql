with

consents as (

    select * from {{ ref('int_consent__customers') }}

),

permitted as (

    -- who refused analytics ends here
    select
        customer_key,
        email_key,
        country,
        created_at,
        has_denied_marketing,
        has_denied_profiling
    from consents
    where not is_opted_out

)

select * from permitted
