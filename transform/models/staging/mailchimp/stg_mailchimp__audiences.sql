with

source as (

    select * from {{ source('mailchimp', 'audiences') }}

),

renamed as (

    select
        list_id,
        name as audience_name,
        visibility,
        coalesce(member_count, 0) as member_count,
        coalesce(unsubscribe_count, 0) as unsubscribe_count,
        coalesce(cleaned_count, 0) as cleaned_count,
        members_complete_on,
        {{ to_utc('created_at') }} as created_at,
        {{ to_utc('campaign_last_sent_at') }} as campaign_last_sent_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
