with

source as (

    select * from {{ source('shop', 'budgets') }}

),

renamed as (

    select
        {{ first_of_month('budget_month') }} as budget_month,
        platform,
        coalesce(campaign_id, '') as campaign_id,
        currency,
        {{ cents_to_amount('amount_cents') }} as budget_amount,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
