-- one row per event; parameters become columns, times are UTC
-- what stands behind @ is replaced by null, or by what older exports have, where it is absent
with
    events as (
        select
            exported.export_date as event_date,
            exported.event_timestamp,
            exported.event_name,
            exported.user_pseudo_id,
            @user_id as user_id,
            @params as params,
            @collected_traffic_source as traffic,
            @device as device,
            @geo as geo,
            @privacy_info as privacy_info,
            @items as items,
            @user_properties as user_properties
        from exported
    )

select
    event_date,
    make_timestamp(event_timestamp) as event_at,
    event_timestamp as event_timestamp_us,
    event_name,
    row_number() over (
        partition by event_date, user_pseudo_id, event_timestamp
        order by event_name, hash(params)
    ) - 1 as event_index,
    user_pseudo_id,
    user_id,
    params['ga_session_id'].int_value as ga_session_id,
    params['ga_session_number'].int_value as ga_session_number,
    params['page_location'].string_value as page_location,
    params['page_referrer'].string_value as page_referrer,
    @traffic.manual_source as source,
    @traffic.manual_medium as medium,
    @traffic.manual_campaign_name as campaign,
    @traffic.manual_campaign_id as campaign_id,
    @traffic.gclid as gclid,
    params['transaction_id'].string_value as transaction_id,
    coalesce(
        params['value'].double_value,
        params['value'].float_value,
        params['value'].int_value
    ) as given_value,
    try_cast(given_value as decimal(18, 2)) as value,
    params['currency'].string_value as currency,
    params['engagement_time_msec'].int_value as engagement_time_ms,
    coalesce(
        params['session_engaged'].string_value,
        params['session_engaged'].int_value::varchar
    ) as session_engaged,
    @device.category as device_category,
    @device.web_info.browser as browser,
    @geo.country as country,
    @geo.region as region,
    @privacy_info.analytics_storage as analytics_storage,
    @privacy_info.ads_storage as ads_storage,
    items,
    user_properties
from events
