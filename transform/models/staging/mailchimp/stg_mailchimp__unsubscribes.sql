with

source as (

    select * from {{ source('mailchimp', 'unsubscribes') }}

),

renamed as (

    select
        campaign_id,
        email_key,
        reason as unsubscribe_reason,
        {{ to_utc('unsubscribed_at') }} as unsubscribed_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
