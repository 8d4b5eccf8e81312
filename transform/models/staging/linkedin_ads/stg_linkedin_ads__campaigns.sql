with

source as (

    select * from {{ source('linkedin_ads', 'campaigns') }}

),

renamed as (

    select
        campaign_id,
        campaign_group_id,
        account_id,
        name as campaign_name,
        status as campaign_status,
        objective_type,
        cost_type,
        daily_budget,
        total_budget,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
