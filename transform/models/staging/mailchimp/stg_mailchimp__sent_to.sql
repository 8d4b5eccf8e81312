with

source as (

    select * from {{ source('mailchimp', 'sent_to') }}

),

renamed as (

    select
        campaign_id,
        email_key,
        email_domain as recipient_domain,
        status as delivery_status,
        coalesce(open_count, 0) as open_count,
        {{ to_utc('last_open_at') }} as last_opened_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
