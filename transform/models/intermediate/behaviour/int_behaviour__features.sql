with

sessions as (

    select * from {{ ref('int_behaviour__first_sessions') }}

),

events as (

    select * from {{ ref('stg_ga4__events') }}

),

items as (

    select * from {{ ref('stg_ga4__event_items') }}

),

sequences as (

    select
        person_key,
        {{ joined_in_order('channel', 'session_rank') }} as channel_sequence
    from sessions
    group by person_key

),

acted as (

    select
        sessions.person_key,
        events.device_key,
        events.event_timestamp_us,
        events.event_index,
        {{ url_folder('events.page_location') }} as folder
    from events
    inner join sessions
        on events.device_key = sessions.device_key
        and events.ga_session_id = sessions.ga_session_id

),

chosen as (

    select
        acted.person_key,
        items.item_category,
        coalesce(items.coupon, items.promotion_name) as discount
    from items
    inner join acted
        on items.device_key = acted.device_key
        and items.event_timestamp_us = acted.event_timestamp_us
        and items.event_index = acted.event_index

),

featured as (

    select
        person_key,
        'first_device' as feature,
        device_category as feature_value
    from sessions
    where session_rank = 1

    union all

    select
        person_key,
        'device' as feature,
        device_category as feature_value
    from sessions

    union all

    select
        person_key,
        'first_channel' as feature,
        channel as feature_value
    from sessions
    where session_rank = 1

    union all

    select
        person_key,
        'channel' as feature,
        channel as feature_value
    from sessions

    union all

    select
        person_key,
        'channel_sequence' as feature,
        channel_sequence as feature_value
    from sequences

    union all

    select
        person_key,
        'country' as feature,
        country as feature_value
    from sessions

    union all

    select
        person_key,
        'step' as feature,
        'product_view' as feature_value
    from sessions
    where has_product_view

    union all

    select
        person_key,
        'step' as feature,
        'add_to_cart' as feature_value
    from sessions
    where has_add_to_cart

    union all

    select
        person_key,
        'step' as feature,
        'checkout' as feature_value
    from sessions
    where has_checkout

    union all

    select
        person_key,
        'category' as feature,
        item_category as feature_value
    from chosen

    union all

    select
        person_key,
        'discount' as feature,
        discount as feature_value
    from chosen

    union all

    select
        person_key,
        'content' as feature,
        case when coalesce(folder, '') = '' then 'home' else folder end as feature_value
    from acted

),

told_once as (

    select distinct
        person_key,
        feature,
        lower(feature_value) as feature_value
    from featured
    where feature_value is not null

)

select * from told_once
