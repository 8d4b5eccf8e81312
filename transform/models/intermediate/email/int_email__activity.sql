with

activity as (

    select * from {{ ref('stg_mailchimp__email_activity') }}

),

clicks as (

    select * from {{ ref('int_email__clicks') }}

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
        count(distinct case when action = 'open' and not is_machine then email_key end)
            as human_openers,
        count(distinct case when is_machine then email_key end) as machine_openers
    from activity
    group by campaign_id

),

clicked as (

    select
        campaign_id,
        count(*) as clicks,
        count(case when is_machine then 1 end) as machine_clicks,
        count(distinct email_key) as clickers,
        count(distinct case when not is_machine then email_key end) as human_clickers
    from clicks
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

    {{ union_distinct() }}

    select campaign_id from acted

    {{ union_distinct() }}

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
        coalesce(clicked.clicks, 0) as clicks,
        coalesce(clicked.clicks, 0) - coalesce(clicked.machine_clicks, 0) as human_clicks,
        coalesce(clicked.machine_clicks, 0) as machine_clicks,
        coalesce(clicked.clickers, 0) as clickers,
        coalesce(clicked.human_clickers, 0) as human_clickers,
        coalesce(left_list.unsubscribes, 0) as unsubscribes
    from emails
    left join sent on emails.campaign_id = sent.campaign_id
    left join acted on emails.campaign_id = acted.campaign_id
    left join clicked on emails.campaign_id = clicked.campaign_id
    left join left_list on emails.campaign_id = left_list.campaign_id

)

select * from joined
