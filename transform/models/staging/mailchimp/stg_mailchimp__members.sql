with

source as (

    select * from {{ source('mailchimp', 'members') }}

),

audiences as (

    select * from {{ source('mailchimp', 'audiences') }}

),

renamed as (

    -- who was not seen when all members were read is deleted at the platform
    select
        source.list_id,
        source.member_key,
        source.email_key,
        source.status as member_status,
        source.email_type,
        source.source as signup_source,
        source.language,
        source.is_vip,
        source.member_rating,
        source.average_open_rate,
        source.average_click_rate,
        source.unsubscribe_reason,
        source.tags,
        coalesce(source.seen_on < audiences.members_complete_on, false) as is_deleted,
        {{ to_utc('source.signed_up_at') }} as signed_up_at,
        {{ to_utc('source.opted_in_at') }} as opted_in_at,
        {{ to_utc('source.last_changed_at') }} as changed_at,
        {{ to_utc('source._loaded_at') }} as loaded_at
    from source
    left join audiences on source.list_id = audiences.list_id

)

select * from renamed
