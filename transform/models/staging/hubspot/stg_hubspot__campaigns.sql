with

source as (

    select * from {{ source('hubspot', 'campaigns') }}

),

renamed as (

    select
        campaign_id,
        owner_id,
        campaign_name,
        status as campaign_status,
        utm_campaign,
        start_date,
        end_date,
        currency,
        budget,
        spend,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
