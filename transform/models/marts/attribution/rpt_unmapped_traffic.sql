with

sessions as (

    select * from {{ ref('int_web__sessions') }}

),

attribution as (

    select * from {{ ref('int_attribution__default_model') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

rules as (

    select * from {{ ref('channel_rules') }}

),

known_media as (

    -- those of which some rule speaks
    select distinct sessions.origin_medium
    from sessions
    inner join rules on sessions.origin_medium like {{ like_words('rules.medium') }}

),

credits as (

    select
        touchpoint_id,
        sum(credit) as conversions,
        sum(revenue_usd) as revenue_usd
    from attribution
    group by touchpoint_id

),

unmapped as (

    select
        sessions.channel,
        coalesce(nullif(sessions.origin_source, ''), '(none)') as traffic_source,
        coalesce(nullif(sessions.origin_medium, ''), '(none)') as traffic_medium,
        case
            when sessions.channel = 'unassigned' then 'no rule'
            when channels.is_paid and sessions.platform is null then 'no platform'
            else 'unknown medium'
        end as reason,
        sessions.session_date,
        credits.conversions,
        credits.revenue_usd
    from sessions
    -- left: a team may have taken a channel out of the seed
    left join channels on sessions.channel = channels.channel
    left join known_media on sessions.origin_medium = known_media.origin_medium
    left join credits on sessions.session_id = credits.touchpoint_id
    where
        not sessions.is_bot
        and (
            sessions.channel = 'unassigned'
            or (channels.is_paid and sessions.platform is null)
            -- its source alone decided
            or (sessions.origin_medium <> '' and known_media.origin_medium is null)
        )

),

reported as (

    select
        reason,
        channel,
        traffic_source,
        traffic_medium,
        cast(count(*) as bigint) as sessions,
        cast(sum(coalesce(conversions, 0)) as decimal(18, 6)) as conversions,
        cast(sum(coalesce(revenue_usd, 0)) as decimal(18, 2)) as revenue_usd,
        min(session_date) as first_session_date,
        max(session_date) as last_session_date
    from unmapped
    group by reason, channel, traffic_source, traffic_medium

)

select * from reported
