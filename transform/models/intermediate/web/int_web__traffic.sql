with

visits as (

    select * from {{ ref('int_web__visits') }}

),

rules as (

    select * from {{ ref('channel_rules') }}

),

sources as (

    select * from {{ ref('traffic_sources') }}

),

click_ids as (

    select * from {{ ref('click_ids') }}

),

channels as (

    select * from {{ ref('channels') }}

),

traffic as (

    select
        origin_source,
        origin_medium,
        campaign_words,
        click_id
    from visits
    group by origin_source, origin_medium, campaign_words, click_id

),

origins as (

    select origin_source
    from traffic
    group by origin_source

),

known_sources as (

    -- mail.google.com is a mailbox, although google.com is a search engine: the longest wins
    select
        origins.origin_source,
        sources.kind,
        sources.platform,
        row_number() over (
            partition by origins.origin_source
            order by length(sources.source) desc, sources.source
        ) as source_rank
    from origins
    inner join sources on {{ is_host_of('origins.origin_source', 'sources.source') }}

),

described as (

    select
        traffic.*,
        known_sources.kind as source_kind,
        known_sources.platform as source_platform,
        click_ids.platform as click_platform
    from traffic
    left join known_sources
        on traffic.origin_source = known_sources.origin_source and known_sources.source_rank = 1
    left join click_ids on traffic.click_id = lower(click_ids.click_id)

),

fitting as (

    select
        described.*,
        rules.channel,
        rules.platform as rule_platform,
        row_number() over (
            partition by
                described.origin_source, described.origin_medium,
                described.campaign_words, described.click_id
            order by rules.priority
        ) as rule_rank
    from described
    left join rules
        on {{ fits('described.origin_medium', 'rules.medium', like_words('rules.medium')) }}
        and {{ fits('described.origin_source', 'rules.source', like_name('rules.source')) }}
        and {{ fits('described.campaign_words', 'rules.campaign', like_words('rules.campaign')) }}
        and {{ fits('described.click_id', 'rules.click_id', 'lower(rules.click_id)') }}
        and (rules.source_kind is null or described.source_kind = rules.source_kind)

),

grouped as (

    -- a platform sells clicks or sends mail; what is free there has no platform
    select
        fitting.origin_source,
        fitting.origin_medium,
        fitting.campaign_words,
        fitting.click_id,
        coalesce(fitting.channel, 'unassigned') as channel,
        coalesce(
            case
                when channels.is_paid or fitting.source_kind = 'email' then fitting.source_platform
            end,
            fitting.rule_platform,
            case when channels.is_paid then fitting.click_platform end
        ) as platform
    from fitting
    left join channels on coalesce(fitting.channel, 'unassigned') = channels.channel
    where fitting.rule_rank = 1

)

select * from grouped
