with

visits as (

    select * from {{ ref('int_web__visits') }}

),

traffic as (

    select * from {{ ref('int_web__traffic') }}

),

clicks as (

    select * from {{ ref('int_ads__clicks') }}

),

campaigns as (

    select * from {{ ref('int_ads__campaigns') }}

),

names as (

    select * from {{ ref('int_ads__campaign_names') }}

),

mapping as (

    select * from {{ ref('campaign_mapping') }}

),

mapping_words as (

    select
        platform,
        {{ plain_words(decoded_text('traffic_campaign')) }} as campaign_words,
        campaign_id
    from mapping

),

mapped as (

    -- rows that differ in case and separators are one; where they lead apart they lead nowhere
    select
        platform,
        campaign_words,
        min(campaign_id) as campaign_id
    from mapping_words
    where campaign_words <> ''
    group by platform, campaign_words
    having count(distinct campaign_id) = 1

),

placed as (

    select
        visits.session_id,
        traffic.platform,
        {{ told_click() }} as told_click,
        visits.traffic_campaign_id,
        visits.traffic_campaign,
        visits.campaign_words,
        visits.started_at
    from visits
    inner join traffic
        on visits.origin_source = traffic.origin_source
        and visits.origin_medium = traffic.origin_medium
        and visits.campaign_words = traffic.campaign_words
        and visits.click_id = traffic.click_id
    where traffic.platform is not null

),

platforms as (

    select distinct platform
    from campaigns

),

met as (

    select
        placed.session_id,
        names.campaign_id,
        coalesce(
            names.valid_from_at <= placed.started_at and placed.started_at < names.valid_to_at,
            false
        ) as is_then
    from placed
    inner join names
        on placed.platform = names.platform and placed.campaign_words = names.campaign_words

),

named as (

    -- a name that two campaigns bear leads nowhere; of an old name and a present one that are
    -- alike, the one of the visit's time counts
    select
        session_id,
        min(campaign_id) as ever_id,
        count(distinct campaign_id) as ever_count,
        min(case when is_then then campaign_id end) as then_id,
        count(case when is_then then 1 end) as then_count
    from met
    group by session_id

),

found as (

    select
        placed.session_id,
        placed.platform,
        platforms.platform is not null as has_campaigns,
        clicks.campaign_id as clicked_id,
        coalesce(numbered.campaign_id, numbered_by_name.campaign_id) as numbered_id,
        case
            when named.then_count = 1 then named.then_id
            when named.then_count = 0 and named.ever_count = 1 then named.ever_id
        end as named_id,
        mapped.campaign_id as mapped_id,
        coalesce(placed.traffic_campaign_id, placed.traffic_campaign) as stated_id
    from placed
    left join platforms on placed.platform = platforms.platform
    left join clicks
        on placed.platform = clicks.platform and placed.told_click = clicks.click_id
    left join campaigns as numbered
        on placed.platform = numbered.platform
        and placed.traffic_campaign_id = numbered.campaign_id
    left join campaigns as numbered_by_name
        on placed.platform = numbered_by_name.platform
        and placed.traffic_campaign = numbered_by_name.campaign_id
    left join named on placed.session_id = named.session_id
    left join mapped
        on placed.platform = mapped.platform and placed.campaign_words = mapped.campaign_words

),

matched as (

    -- where the platform's campaigns are not loaded there is only what the link states
    select
        session_id,
        platform,
        coalesce(
            clicked_id, numbered_id, named_id, mapped_id,
            case when not has_campaigns then stated_id end
        ) as campaign_id,
        case
            when clicked_id is not null then 'click'
            when numbered_id is not null then 'id'
            when named_id is not null then 'name'
            when mapped_id is not null then 'mapping'
            when not has_campaigns and stated_id is not null then 'stated'
        end as campaign_match
    from found

)

select * from matched
