with

source as (

    select * from {{ source('mailchimp', 'reports') }}

),

renamed as (

    select
        campaign_id,
        snapshot_date,
        coalesce(emails_sent, 0) as emails_sent,
        coalesce(hard_bounces, 0) as hard_bounces,
        coalesce(soft_bounces, 0) as soft_bounces,
        coalesce(opens_total, 0) as opens,
        coalesce(unique_opens, 0) as unique_opens,
        coalesce(proxy_excluded_opens, 0) as human_opens,
        coalesce(proxy_excluded_unique_opens, 0) as unique_human_opens,
        coalesce(clicks_total, 0) as clicks,
        coalesce(unique_subscriber_clicks, 0) as unique_clicks,
        coalesce(unsubscribed, 0) as unsubscribes,
        coalesce(abuse_reports, 0) as abuse_reports,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source

)

select * from renamed
