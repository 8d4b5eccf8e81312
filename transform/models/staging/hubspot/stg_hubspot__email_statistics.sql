with

source as (

    select * from {{ source('hubspot', 'email_statistics') }}

),

renamed as (

    select
        email_id as marketing_email_id,
        snapshot_date,
        coalesce(sent, 0) as sent,
        coalesce(delivered, 0) as delivered,
        coalesce(opens, 0) as opens,
        coalesce(clicks, 0) as clicks,
        coalesce(replies, 0) as replies,
        coalesce(hard_bounces, 0) as hard_bounces,
        coalesce(soft_bounces, 0) as soft_bounces,
        coalesce(dropped, 0) as dropped,
        coalesce(unsubscribes, 0) as unsubscribes,
        coalesce(spam_reports, 0) as spam_reports,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
