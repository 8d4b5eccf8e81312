with

source as (

    select * from {{ source('klaviyo', 'metrics') }}

),

renamed as (

    select
        metric_id,
        metric_name,
        integration_name,
        integration_category,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('updated_at') }} as updated_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
