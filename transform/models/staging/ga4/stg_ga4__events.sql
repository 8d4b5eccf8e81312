with

source as (

    select * from {{ source('ga4', 'events') }}

),

renamed as (

    select
        device_key,
        event_timestamp_us,
        event_index,
        customer_key,
        ga_session_id,
        ga_session_number,
        event_name,
        page_location,
        page_referrer,
        {{ plain_text('source') }} as traffic_source,
        {{ plain_text('medium') }} as traffic_medium,
        case when {{ plain_text('campaign') }} is not null then campaign end as traffic_campaign,
        case when {{ plain_text('campaign_id') }} is not null then campaign_id end
            as traffic_campaign_id,
        nullif(gclid, '') as gclid,
        nullif(transaction_id, '') as order_id,
        value as event_value,
        currency,
        coalesce(engagement_time_ms, 0) as engagement_ms,
        coalesce(session_engaged = '1', false) as is_session_engaged,
        device_category,
        browser,
        country,
        nullif(region, '') as region,
        case analytics_storage when 'Yes' then true when 'No' then false end
            as is_analytics_consented,
        case ads_storage when 'Yes' then true when 'No' then false end as is_ads_consented,
        event_date,
        {{ to_utc('event_at') }} as event_at,
        {{ to_utc('_loaded_at') }} as loaded_at
    from source
    where {{ is_known_by_as_of('event_date') }}

)

select * from renamed
