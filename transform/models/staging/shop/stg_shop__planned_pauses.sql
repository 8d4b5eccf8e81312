with

source as (

    select * from {{ source('shop', 'planned_pauses') }}

),

renamed as (

    select
        pause_name,
        platform,
        campaign_id,
        coalesce(country, '') as country,
        coalesce(region, '') as region,
        first_date,
        last_date,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
