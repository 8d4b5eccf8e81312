with

events as (

    select * from {{ ref('stg_ga4__events') }}

),

permitted as (

    -- without a device or a session there is nothing to group by (consent denied to GA4); what is
    -- of customers who refused ends here
    select * from {{ ref('int_identity__sessions') }}

),

exclusions as (

    select * from {{ ref('referral_exclusions') }}

),

click_ids as (

    select * from {{ ref('click_ids') }}

),

addressed as (

    select
        events.*,
        {{ url_authority('events.traffic_source') }} as source_authority,
        {{ url_authority('events.page_location') }} as page_authority,
        {{ url_authority('events.page_referrer') }} as referring_authority
    from events
    inner join permitted
        on events.device_key = permitted.device_key
        and events.ga_session_id = permitted.ga_session_id

),

located as (

    select
        *,
        coalesce(
            {{ authority_host('source_authority') }}, {{ plain_name('traffic_source') }}
        ) as source_name,
        coalesce(traffic_medium, 'referral') = 'referral' as is_source_a_referrer,
        {{ authority_host('page_authority') }} as page_host,
        {{ authority_host('referring_authority') }} as referring_host
    from addressed

),

hosts as (

    select source_name as host_name
    from located
    where is_source_a_referrer and source_name is not null

    {{ union_distinct() }}

    select referring_host as host_name
    from located
    where referring_host is not null

),

excluded as (

    select distinct hosts.host_name
    from hosts
    inner join exclusions on {{ is_host_of('hosts.host_name', 'exclusions.domain') }}

),

judged as (

    select
        located.*,
        located.is_source_a_referrer and located.source_name is not null and (
            excluded_sources.host_name is not null
            or coalesce({{ is_same_site('located.source_name', 'located.page_host') }}, false)
        ) as is_source_excluded,
        located.referring_host is not null and (
            excluded_referrers.host_name is not null
            or coalesce({{ is_same_site('located.referring_host', 'located.page_host') }}, false)
        ) as is_referrer_excluded
    from located
    left join excluded as excluded_sources on located.source_name = excluded_sources.host_name
    left join excluded as excluded_referrers
        on located.referring_host = excluded_referrers.host_name

),

arrived as (

    -- who comes back from paying, from signing in or from an own page did not come from there
    select
        *,
        case when not is_source_excluded then source_name end as outside_source,
        case when not is_source_excluded then traffic_medium end as outside_medium,
        case when not is_source_excluded then traffic_campaign end as outside_campaign,
        case when not is_source_excluded then traffic_campaign_id end as outside_campaign_id,
        case when not is_referrer_excluded then referring_host end as outside_host,
        is_source_excluded or is_referrer_excluded as is_return,
        row_number() over (
            partition by device_key, ga_session_id
            order by event_timestamp_us, event_index
        ) as event_position
    from judged

),

grouped as (

    select
        device_key,
        ga_session_id,
        max(ga_session_number) as ga_session_number,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        {{ first_known('outside_source', 'event_position') }} as traffic_source,
        {{ first_known('outside_medium', 'event_position') }} as traffic_medium,
        {{ first_known('outside_campaign', 'event_position') }} as traffic_campaign,
        {{ first_known('outside_campaign_id', 'event_position') }} as traffic_campaign_id,
        {{ first_known('gclid', 'event_position') }} as gclid,
        {{ url_parameters(first_known('page_location', 'event_position')) }} as landing_parameters,
        {{ first_known('outside_host', 'event_position') }} as referrer_host,
        max(case when event_position = 1 and is_return then 1 else 0 end) = 1
            as has_begun_with_return,
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
        max(case when event_name = 'purchase' then 1 else 0 end) = 1 as has_purchase,
        min(case when event_name = 'view_item' then event_at end) as product_viewed_at,
        min(case when event_name = 'add_to_cart' then event_at end) as added_to_cart_at,
        min(case when event_name = 'begin_checkout' then event_at end) as checkout_began_at,
        min(case when event_name = 'purchase' then event_at end) as purchased_at
    from arrived
    group by device_key, ga_session_id

),

tagged as (

    select
        device_key,
        ga_session_id,
        gclid,
        landing_parameters
    from grouped
    where gclid is not null or {{ contains('landing_parameters', "'='") }}

),

clicked as (

    -- of several click ids the one with the smallest number counts
    select
        tagged.device_key,
        tagged.ga_session_id,
        lower(click_ids.click_id) as click_id,
        {{ parameter_value('tagged.landing_parameters', 'click_ids.click_id') }} as click_value,
        row_number() over (
            partition by tagged.device_key, tagged.ga_session_id
            order by click_ids.priority
        ) as click_rank
    from tagged
    inner join click_ids
        on {{ parameter_value('tagged.landing_parameters', 'click_ids.click_id') }} is not null
        or (click_ids.click_id = 'gclid' and tagged.gclid is not null)

),

visits as (

    select
        grouped.device_key || '-' || {{ as_text('grouped.ga_session_id') }} as session_id,
        grouped.device_key,
        grouped.ga_session_id,
        grouped.ga_session_number,
        grouped.customer_key,
        -- where a link says nothing, the page it stood on does
        coalesce(grouped.traffic_source, grouped.referrer_host, '') as origin_source,
        coalesce(
            {{ plain_words('grouped.traffic_medium') }},
            case
                when grouped.traffic_source is null and grouped.referrer_host is not null
                    then 'referral'
            end,
            ''
        ) as origin_medium,
        coalesce({{ plain_words('grouped.traffic_campaign') }}, '') as campaign_words,
        coalesce(clicked.click_id, '') as click_id,
        clicked.click_value,
        coalesce(
            grouped.gclid,
            {{ parameter_value('grouped.landing_parameters', "'gclid'") }}
        ) as gclid,
        grouped.traffic_source,
        grouped.traffic_medium,
        grouped.traffic_campaign,
        grouped.traffic_campaign_id,
        grouped.referrer_host,
        (
            grouped.has_begun_with_return
            and grouped.traffic_source is null
            and grouped.traffic_medium is null
            and grouped.traffic_campaign is null
            and grouped.traffic_campaign_id is null
            and grouped.referrer_host is null
            and clicked.click_id is null
        ) as is_return,
        grouped.device_category,
        grouped.browser,
        grouped.country,
        grouped.event_count,
        grouped.page_view_count,
        grouped.engagement_ms,
        grouped.is_engaged,
        grouped.has_product_view,
        grouped.has_add_to_cart,
        grouped.has_checkout,
        grouped.has_purchase,
        grouped.product_viewed_at,
        grouped.added_to_cart_at,
        grouped.checkout_began_at,
        grouped.purchased_at,
        grouped.started_at,
        grouped.ended_at
    from grouped
    left join clicked
        on grouped.device_key = clicked.device_key
        and grouped.ga_session_id = clicked.ga_session_id
        and clicked.click_rank = 1

)

select * from visits
