with

source as (

    select * from {{ source('ga4', 'events') }}

),

decoded as (

    select
        *,
        {{ decoded_text('source') }} as decoded_source,
        {{ decoded_text('medium') }} as decoded_medium,
        {{ decoded_text('campaign') }} as decoded_campaign,
        {{ decoded_text('campaign_id') }} as decoded_campaign_id,
        {{ decoded_text('gclid') }} as decoded_gclid
    from source

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
        {{ plain_text('decoded_source') }} as traffic_source,
        {{ plain_text('decoded_medium') }} as traffic_medium,
        {{ stated_text('decoded_campaign') }} as traffic_campaign,
        {{ stated_text('decoded_campaign_id') }} as traffic_campaign_id,
        {{ stated_text('decoded_gclid') }} as gclid,
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
    from decoded
    where {{ is_known_by_as_of('event_date') }}

)

select * from renamed
