with

messages as (

    select * from {{ ref('int_email__messages') }}

),

mailchimp_reports as (

    select * from {{ ref('stg_mailchimp__reports') }}

),

hubspot_statistics as (

    select * from {{ ref('stg_hubspot__email_statistics') }}

),

counted as (

    select
        platform,
        mail_id,
        {{ message_figures() }},
        sum(complaints) as complaints
    from messages
    group by platform, mail_id

),

mailchimp_ranked as (

    select
        *,
        row_number() over (partition by campaign_id order by snapshot_date desc) as report_rank
    from mailchimp_reports

),

hubspot_ranked as (

    select
        *,
        row_number() over (partition by marketing_email_id order by snapshot_date desc)
            as report_rank
    from hubspot_statistics

),

activity as (

    -- Mailchimp names nobody who complained: their number stands in the report alone
    select
        counted.platform,
        counted.mail_id,
        counted.sent,
        counted.delivered,
        counted.bounces,
        counted.hard_bounces,
        counted.soft_bounces,
        counted.human_opens,
        counted.machine_opens,
        counted.human_openers,
        counted.machine_openers,
        counted.openers,
        counted.human_clicks,
        counted.machine_clicks,
        counted.human_clickers,
        counted.clickers,
        counted.unsubscribes,
        case
            when counted.platform = 'mailchimp' then reports.abuse_reports
            else counted.complaints
        end as complaints,
        reports.human_opens as reported_human_opens
    from counted
    left join mailchimp_ranked as reports
        on counted.platform = 'mailchimp'
        and counted.mail_id = reports.campaign_id
        and reports.report_rank = 1

    union all

    -- HubSpot counts recipients, machines among them or not as the account has set: nobody can
    -- tell them apart
    select
        'hubspot' as platform,
        marketing_email_id as mail_id,
        sent,
        delivered,
        hard_bounces + soft_bounces as bounces,
        hard_bounces,
        soft_bounces,
        null as human_opens,
        null as machine_opens,
        null as human_openers,
        null as machine_openers,
        opens as openers,
        null as human_clicks,
        null as machine_clicks,
        null as human_clickers,
        clicks as clickers,
        unsubscribes,
        spam_reports as complaints,
        null as reported_human_opens
    from hubspot_ranked
    where report_rank = 1

),

typed as (

    -- sums are of wider types on some engines
    select
        platform,
        mail_id,
        {%- for figure in email_figures() %}
            cast({{ figure }} as bigint) as {{ figure }},
        {%- endfor %}
        cast(reported_human_opens as bigint) as reported_human_opens
    from activity

)

select * from typed
