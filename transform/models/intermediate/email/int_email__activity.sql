with

activity as (

    select * from {{ ref('stg_mailchimp__email_activity') }}

),

recipients as (

    select * from {{ ref('stg_mailchimp__sent_to') }}

),

unsubscribes as (

    select * from {{ ref('stg_mailchimp__unsubscribes') }}

),

acted as (

    select
        campaign_id,
        count(case when action = 'open' and not is_machine then 1 end) as human_opens,
        count(case when is_machine then 1 end) as machine_opens,
        count(case when action = 'click' then 1 end) as clicks,
        count(distinct case when action = 'open' and not is_machine then email_key end)
            as human_openers,
        count(distinct case when is_machine then email_key end) as machine_openers,
        count(distinct case when action = 'click' then email_key end) as clickers
    from activity
    group by campaign_id

),

sent as (

    select
        campaign_id,
        count(*) as sent,
        count(case when delivery_status in ('hard', 'soft') then 1 end) as bounces
    from recipients
    group by campaign_id

),

left_list as (

    select
        campaign_id,
        count(*) as unsubscribes
    from unsubscribes
    group by campaign_id

),

emails as (

    select campaign_id from sent

    union

    select campaign_id from acted

    union

    select campaign_id from left_list

),

joined as (

    select
        emails.campaign_id,
        coalesce(sent.sent, 0) as sent,
        coalesce(sent.bounces, 0) as bounces,
        coalesce(sent.sent, 0) - coalesce(sent.bounces, 0) as delivered,
        coalesce(acted.human_opens, 0) as human_opens,
        coalesce(acted.machine_opens, 0) as machine_opens,
        coalesce(acted.human_openers, 0) as human_openers,
        coalesce(acted.machine_openers, 0) as machine_openers,
        coalesce(acted.clicks, 0) as clicks,
        coalesce(acted.clickers, 0) as clickers,
        coalesce(left_list.unsubscribes, 0) as unsubscribes
    from emails
    left join sent on emails.campaign_id = sent.campaign_id
    left join acted on emails.campaign_id = acted.campaign_id
    left join left_list on emails.campaign_id = left_list.campaign_id

)

select * from joined
