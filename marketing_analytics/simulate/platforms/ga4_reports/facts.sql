-- one row per event of the export, with what is true of its whole session
with
    hits as (
        select
            strptime(event_date, '%Y%m%d')::date as event_day,
            event_timestamp,
            event_name,
            user_pseudo_id,
            map_from_entries(list_transform(event_params, p -> (p.key, p.value))) as params,
            collected_traffic_source as traffic,
            device.category as device_category,
            device.web_info.browser as browser,
            geo.country as country,
            event_value_in_usd
        from read_parquet($files)
        where user_pseudo_id is not null
    ),

    events as (
        select
            *,
            params['ga_session_id'].int_value as session_number,
            params['page_location'].string_value as page_location,
            params['session_engaged'].string_value = '1' as is_engaged,
            params['engagement_time_msec'].int_value as engagement_ms,
            coalesce(traffic.manual_source, if(traffic.gclid is null, null, 'google')) as source,
            coalesce(traffic.manual_medium, if(traffic.gclid is null, null, 'cpc')) as medium
        from hits
    ),

    sessions as (
        select
            user_pseudo_id,
            session_number,
            bool_or(is_engaged) as is_session_engaged,
            coalesce(arg_min(source, event_timestamp), '(direct)') as session_source,
            coalesce(arg_min(medium, event_timestamp), '(none)') as session_medium,
            coalesce(arg_min(traffic.manual_campaign_name, event_timestamp), '(not set)')
                as session_campaign,
            -- one session in ten is processed late, by half a day to two days
            min(event_timestamp) as started_us,
            if(
                session_number % 10 = 7,
                (12 + session_number % 36) * 3600 * 1000000,
                0
            ) as delay_us
        from events
        group by user_pseudo_id, session_number
    )

select
    strftime(events.event_day, '%Y%m%d') as "date",
    events.event_name as "eventName",
    coalesce(events.device_category, '(not set)') as "deviceCategory",
    coalesce(events.browser, '(not set)') as "browser",
    coalesce(events.country, '(not set)') as "country",
    coalesce(regexp_extract(events.page_location, '^https?://([^/?]+)', 1), '(not set)')
        as "hostName",
    coalesce(nullif(regexp_extract(events.page_location, '^https?://[^/?]+([^?]*)', 1), ''), '/')
        as "pagePath",
    sessions.session_source as "sessionSource",
    sessions.session_medium as "sessionMedium",
    sessions.session_campaign as "sessionCampaignName",
    case
        when sessions.session_source = '(direct)' then 'Direct'
        when sessions.session_medium = 'organic' then 'Organic Search'
        when sessions.session_medium = 'cpc' then 'Paid Search'
        when sessions.session_medium = 'paid_social' then 'Paid Social'
        when sessions.session_medium = 'social' then 'Organic Social'
        when sessions.session_medium = 'email' then 'Email'
        when sessions.session_medium = 'referral' then 'Referral'
        else 'Unassigned'
    end as "sessionDefaultChannelGroup",
    hash(events.user_pseudo_id) as user_number,
    hash(events.user_pseudo_id, events.session_number) as session_number,
    if(sessions.is_session_engaged, hash(events.user_pseudo_id, events.session_number), null)
        as engaged_session,
    if(events.event_name = 'first_visit', hash(events.user_pseudo_id), null) as new_user,
    1 as event_count,
    (events.event_name = 'page_view')::bigint as view_count,
    (events.event_name = 'purchase')::bigint as purchase_count,
    round(coalesce(events.event_value_in_usd, 0) * 100)::bigint as revenue_cents,
    coalesce(events.engagement_ms, 0) as engagement_ms,
    sessions.started_us + sessions.delay_us as ready_us,
    events.event_timestamp as at_us
from events
inner join sessions
    on events.user_pseudo_id = sessions.user_pseudo_id
    and events.session_number = sessions.session_number
