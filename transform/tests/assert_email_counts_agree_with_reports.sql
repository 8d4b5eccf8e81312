-- what was counted from single activities is what the platform reports
{{ config(tags=['business_logic'], severity='warn') }}

with

activity as (

    select * from {{ ref('int_email__activity') }}

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

    select
        ranked.campaign_id,
        ranked.emails_sent,
        activity.sent,
        ranked.human_opens as reported_human_opens,
        activity.human_opens
    from ranked
    left join activity on ranked.campaign_id = activity.campaign_id
    where
        ranked.report_rank = 1
        and (
            ranked.emails_sent != coalesce(activity.sent, 0)
            or ranked.human_opens != coalesce(activity.human_opens, 0)
            or ranked.opens - ranked.human_opens != coalesce(activity.machine_opens, 0)
            or ranked.clicks != coalesce(activity.clicks, 0)
            or ranked.unsubscribes != coalesce(activity.unsubscribes, 0)
        )

)

select * from violations
