with

source as (

    select * from {{ source('hubspot', 'deals') }}

),

renamed as (

    select
        deal_id,
        pipeline_id,
        stage_id,
        owner_id,
        deal_name,
        deal_type,
        case
            when is_won then 'won'
            when is_closed then 'lost'
            else 'open'
        end as deal_status,
        probability,
        currency,
        amount,
        amount_in_home_currency,
        original_source,
        coalesce(is_archived, false) as is_archived,
        {{ to_utc('archived_at') }} as archived_at,
        {{ to_utc('close_at') }} as closed_at,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
