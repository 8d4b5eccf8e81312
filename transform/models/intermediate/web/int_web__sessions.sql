with

visits as (

    select * from {{ ref('int_web__visits') }}

),

traffic as (

    select * from {{ ref('int_web__traffic') }}

),

matches as (

    select * from {{ ref('int_web__campaigns') }}

),

campaigns as (

    select * from {{ ref('int_ads__campaigns') }}

),

channels as (

    select * from {{ ref('channels') }}

),

devices as (

    select
        device_key,
        sum(page_view_count) as page_view_count,
        max(engagement_ms) as longest_engagement_ms,
        max(
            case
                when lower(browser) like '%headless%' or lower(browser) like '%bot%'
                    or lower(browser) like '%crawler%' or lower(browser) like '%spider%'
                    then 1
                else 0
            end
        ) = 1 as is_named_bot
    from visits
    group by device_key

),

placed as (

    -- the platform knows best what it sold: its campaign says the channel, so that spend and
    -- revenue of a campaign stand in the same one
    select
        visits.*,
        case
            when channels.is_paid then coalesce(campaigns.channel, traffic.channel)
            else traffic.channel
        end as channel,
        traffic.platform,
        matches.campaign_id,
        matches.campaign_match,
        (
            devices.is_named_bot
            or (devices.longest_engagement_ms = 0 and devices.page_view_count >= 200)
        ) as is_bot,
        sum(case when visits.is_return then 0 else 1 end) over (
            partition by visits.device_key
            order by visits.started_at, visits.ga_session_number, visits.session_id
            rows between unbounded preceding and current row
        ) as journey
    from visits
    inner join devices on visits.device_key = devices.device_key
    inner join traffic
        on visits.origin_source = traffic.origin_source
        and visits.origin_medium = traffic.origin_medium
        and visits.campaign_words = traffic.campaign_words
        and visits.click_id = traffic.click_id
    left join channels on traffic.channel = channels.channel
    left join matches on visits.session_id = matches.session_id
    left join campaigns
        on matches.platform = campaigns.platform and matches.campaign_id = campaigns.campaign_id

),

continued as (

    -- a return from the checkout goes on with the visit before; without one it is a visit itself
    select
        *,
        row_number() over (
            partition by device_key, journey
            order by started_at, ga_session_number, session_id
        ) as journey_step,
        first_value(session_id) over (
            partition by device_key, journey
            order by started_at, ga_session_number, session_id
            rows between unbounded preceding and current row
        ) as begun_session_id
    from placed

),

sessions as (

    select
        continued.session_id,
        continued.device_key,
        continued.ga_session_id,
        continued.ga_session_number,
        continued.customer_key,
        begun.channel,
        begun.platform,
        begun.campaign_id,
        begun.campaign_match,
        begun.origin_source,
        begun.origin_medium,
        continued.traffic_source,
        continued.traffic_medium,
        continued.traffic_campaign,
        continued.device_category,
        continued.country,
        continued.event_count,
        continued.page_view_count,
        continued.engagement_ms,
        continued.is_engaged,
        continued.is_bot,
        continued.journey_step > 1 as is_return,
        continued.has_product_view,
        continued.has_add_to_cart,
        continued.has_checkout,
        continued.has_purchase,
        continued.product_viewed_at,
        continued.added_to_cart_at,
        continued.checkout_began_at,
        continued.purchased_at,
        cast(continued.started_at as date) as session_date,
        continued.started_at,
        continued.ended_at
    from continued
    inner join continued as begun on continued.begun_session_id = begun.session_id

)

select * from sessions
