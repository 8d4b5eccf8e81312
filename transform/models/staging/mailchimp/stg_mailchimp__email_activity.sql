with

source as (

    select * from {{ source('mailchimp', 'email_activity') }}

),

renamed as (

    select
        campaign_id,
        email_key,
        activity_index,
        action,
        nullif(activity_type, '') as bounce_type,
        url as clicked_url,
        {{ to_utc('activity_at') }} as activity_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
