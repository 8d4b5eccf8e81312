with

consents as (

    select * from {{ ref('int_consent__customers') }}

),

permitted as (

    -- who refused analytics ends here
    select * from consents
    where not is_opted_out

)

select * from permitted
