with

activity as (

    select * from {{ ref('stg_mailchimp__email_activity') }}

),

campaigns as (

    select * from {{ ref('stg_mailchimp__campaigns') }}

),

clicks as (

    select * from activity
    where action = 'click'

),

links as (

    select
        campaign_id,
        count(distinct clicked_url) as link_count
    from clicks
    group by campaign_id

),

first_clicks as (

    select
        campaign_id,
        email_key,
        clicked_url,
        min(activity_at) as first_clicked_at
    from clicks
    group by campaign_id, email_key, clicked_url

),

recipients as (

    select
        campaign_id,
        email_key,
        count(clicked_url) as clicked_link_count,
        min(first_clicked_at) as sweep_began_at,
        max(first_clicked_at) as sweep_ended_at
    from first_clicks
    group by campaign_id, email_key

),

swept as (

    -- Scanners of mail servers follow every link at once, long before a person reads the mail.
    -- Mailchimp tells when a campaign began to be sent, not when a mail arrived, and for emails of
    -- flows neither: there only the sweep over all links counts.
    select
        recipients.campaign_id,
        recipients.email_key,
        recipients.sweep_ended_at
    from recipients
    inner join links on recipients.campaign_id = links.campaign_id
    left join campaigns on recipients.campaign_id = campaigns.campaign_id
    where
        links.link_count >= {{ var('machine_click_links') }}
        and recipients.clicked_link_count = links.link_count
        and {{ seconds_between('recipients.sweep_began_at', 'recipients.sweep_ended_at') }}
        <= {{ var('machine_click_seconds') }}
        and (
            campaigns.sent_at is null
            or {{ seconds_between('campaigns.sent_at', 'recipients.sweep_began_at') }}
            <= {{ var('machine_click_delivery_seconds') }}
        )

),

marked as (

    -- the same recipient may click again, as a person
    select
        clicks.campaign_id,
        clicks.email_key,
        clicks.activity_index,
        clicks.clicked_url,
        clicks.activity_at as clicked_at,
        coalesce(clicks.activity_at <= swept.sweep_ended_at, false) as is_machine
    from clicks
    left join swept
        on clicks.campaign_id = swept.campaign_id and clicks.email_key = swept.email_key

)

select * from marked
