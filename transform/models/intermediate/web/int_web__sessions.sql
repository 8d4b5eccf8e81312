with

events as (

    select * from {{ ref('stg_ga4__events') }}

),

clicks as (

    select * from {{ ref('int_ads__clicks') }}

),

identified as (

    -- without a device or a session there is nothing to group by (consent denied)
    select
        *,
        nullif({{ url_host('page_referrer') }}, {{ url_host('page_location') }})
            as outside_referrer_host,
        row_number() over (
            partition by device_key, ga_session_id
            order by event_timestamp_us, event_index
        ) as event_position
    from events
    where device_key is not null and ga_session_id is not null

),

grouped as (

    select
        device_key,
        ga_session_id,
        max(ga_session_number) as ga_session_number,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        {{ first_known('traffic_source', 'event_position') }} as traffic_source,
        {{ first_known('traffic_medium', 'event_position') }} as traffic_medium,
        {{ first_known('traffic_campaign', 'event_position') }} as traffic_campaign,
        {{ first_known('traffic_campaign_id', 'event_position') }} as traffic_campaign_id,
        {{ first_known('gclid', 'event_position') }} as gclid,
        {{ first_known('page_location', 'event_position') }} as landing_page,
        {{ first_known('outside_referrer_host', 'event_position') }} as referrer_host,
        {{ last_known('customer_key', 'event_position') }} as customer_key,
        {{ first_known('device_category', 'event_position') }} as device_category,
        {{ first_known('browser', 'event_position') }} as browser,
        {{ first_known('country', 'event_position') }} as country,
        count(*) as event_count,
        count(case when event_name = 'page_view' then 1 end) as page_view_count,
        sum(engagement_ms) as engagement_ms,
        max(case when is_session_engaged then 1 else 0 end) = 1 as is_engaged,
        max(case when event_name = 'view_item' then 1 else 0 end) = 1 as has_product_view,
        max(case when event_name = 'add_to_cart' then 1 else 0 end) = 1 as has_add_to_cart,
        max(case when event_name = 'begin_checkout' then 1 else 0 end) = 1 as has_checkout,
        max(case when event_name = 'purchase' then 1 else 0 end) = 1 as has_purchase
    from identified
    group by device_key, ga_session_id

),

devices as (

    select
        device_key,
        sum(page_view_count) as page_view_count,
        sum(engagement_ms) as engagement_ms,
        max(
            case
                when lower(browser) like '%headless%' or lower(browser) like '%bot%'
                    or lower(browser) like '%crawler%' or lower(browser) like '%spider%'
                    then 1
                else 0
            end
        ) = 1 as is_named_bot
    from grouped
    group by device_key

),

channelled as (

    select
        grouped.*,
        grouped.device_key || '-' || cast(grouped.ga_session_id as varchar) as session_id,
        cast(grouped.started_at as date) as session_date,
        {{ channel_group(
            'grouped.traffic_source', 'grouped.traffic_medium', 'grouped.gclid',
            'grouped.landing_page', 'grouped.referrer_host'
        ) }} as channel,
        (
            devices.is_named_bot
            or (devices.engagement_ms = 0 and devices.page_view_count >= 200)
        ) as is_bot
    from grouped
    inner join devices on grouped.device_key = devices.device_key

),

placed as (

    select
        *,
        {{ traffic_platform('channel', 'traffic_source', 'gclid', 'landing_page') }} as platform
    from channelled

),

sessions as (

    select
        placed.session_id,
        placed.device_key,
        placed.ga_session_id,
        placed.ga_session_number,
        placed.customer_key,
        placed.channel,
        placed.platform,
        -- email links carry the id of the email as their campaign
        case
            when placed.channel = 'email'
                then coalesce(placed.traffic_campaign_id, placed.traffic_campaign)
            -- auto-tagged links carry a click id alone, and the platform knows whose it was
            else coalesce(placed.traffic_campaign_id, clicks.campaign_id)
        end as campaign_id,
        placed.traffic_source,
        placed.traffic_medium,
        placed.traffic_campaign,
        placed.device_category,
        placed.country,
        placed.event_count,
        placed.page_view_count,
        placed.engagement_ms,
        placed.is_engaged,
        placed.is_bot,
        placed.has_product_view,
        placed.has_add_to_cart,
        placed.has_checkout,
        placed.has_purchase,
        placed.session_date,
        placed.started_at,
        placed.ended_at
    from placed
    left join clicks
        on placed.platform = clicks.platform and placed.gclid = clicks.click_id

)

select * from sessions
