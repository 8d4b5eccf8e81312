-- what was counted from single activities is what the platform reports
{{ config(tags=['business_logic'], severity='warn') }}

with

activity as (

    select * from {{ ref('int_email__activity') }}
    where platform = 'mailchimp'

),

reports as (

    select * from {{ ref('stg_mailchimp__reports') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by campaign_id
            order by snapshot_date desc
        ) as report_rank
    from reports

),

violations as (

    -- which opens are those of machines is our own judgement, and not compared
    select
        ranked.campaign_id,
        ranked.emails_sent,
        activity.sent
    from ranked
    left join activity on ranked.campaign_id = activity.mail_id
    where
        ranked.report_rank = 1
        and (
            ranked.emails_sent <> coalesce(activity.sent, 0)
            or ranked.hard_bounces <> coalesce(activity.hard_bounces, 0)
            or ranked.soft_bounces <> coalesce(activity.soft_bounces, 0)
            or ranked.opens <> coalesce(activity.human_opens + activity.machine_opens, 0)
            or ranked.clicks <> coalesce(activity.human_clicks + activity.machine_clicks, 0)
            or ranked.unsubscribes <> coalesce(activity.unsubscribes, 0)
        )

)

select * from violations
