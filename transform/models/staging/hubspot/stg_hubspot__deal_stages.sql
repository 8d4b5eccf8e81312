with

source as (

    select * from {{ source('hubspot', 'deal_stages') }}

),

renamed as (

    select
        pipeline_id,
        stage_id,
        pipeline_label,
        stage_label,
        pipeline_order,
        stage_order,
        probability,
        coalesce(is_closed, false) as is_closed,
        coalesce(is_archived, false) as is_archived,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
