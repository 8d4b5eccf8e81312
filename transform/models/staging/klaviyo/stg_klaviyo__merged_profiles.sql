with

source as (

    select * from {{ source('klaviyo', 'merged_profiles') }}

),

renamed as (

    select
        old_profile_id,
        profile_id,
        {{ to_utc('seen_at') }} as seen_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
