with

source as (

    select * from {{ source('klaviyo', 'events') }}

),

metrics as (

    select * from {{ source('klaviyo', 'metrics') }}

),

campaign_messages as (

    select * from {{ source('klaviyo', 'campaign_messages') }}

),

campaigns as (

    select * from {{ source('klaviyo', 'campaigns') }}

),

merged_profiles as (

    select * from {{ source('klaviyo', 'merged_profiles') }}

),

renamed as (

    -- older campaigns are named by events themselves, not by their message
    select
        source.event_id,
        coalesce(merged_profiles.profile_id, source.profile_id) as profile_id,
        source.metric_id,
        metrics.metric_name,
        source.message_id,
        coalesce(campaign_messages.campaign_id, campaigns.campaign_id) as campaign_id,
        source.flow_id,
        source.source_event_id,
        source.value as event_value,
        source.currency,
        source.clicked_url,
        coalesce(source.is_machine_open, false) as is_machine,
        source.bounce_type,
        source.event_date,
        {{ to_utc('source.event_at') }} as event_at,
        {{ to_utc('source._loaded_at') }} as loaded_at
    from source
    left join metrics
        on source.metric_id = metrics.metric_id
    left join campaign_messages
        on source.message_id = campaign_messages.message_id
    left join campaigns
        on source.message_id = campaigns.campaign_id
    left join merged_profiles
        on source.profile_id = merged_profiles.old_profile_id

)

select * from renamed
