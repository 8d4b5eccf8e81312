with

steps as (

    select * from {{ ref('fct_automation_steps') }}

),

uplift as (

    select * from {{ ref('int_email__flow_uplift') }}

),

flows as (

    select
        platform,
        automation_id,
        min(automation_title) as automation_title,
        count(*) as steps,
        cast(sum(sent) as bigint) as sent,
        cast(sum(delivered) as bigint) as delivered,
        cast(sum(unsubscribes) as bigint) as unsubscribes,
        max(case when step_position = 1 then sent end) as sent_first_step,
        max(case when sent_next_step is null then sent end) as sent_last_step,
        sum(hours_to_next_step) as hours_to_last_step,
        cast(sum(attributed_conversions) as decimal(18, 6)) as attributed_conversions,
        cast(sum(attributed_revenue_usd) as decimal(18, 2)) as attributed_revenue_usd
    from steps
    group by platform, automation_id

),

compared as (

    select
        flows.*,
        {{ safe_ratio('flows.sent_last_step', 'flows.sent_first_step') }} as completion_rate,
        {{ safe_ratio('flows.attributed_revenue_usd', 'flows.delivered') }}
            as revenue_per_delivered_usd,
        uplift.members_written,
        uplift.members_held_out,
        uplift.revenue_per_member_usd,
        uplift.revenue_per_held_out_usd,
        uplift.uplift_per_member_usd,
        uplift.uplift_error_usd,
        uplift.uplift_per_member_usd * uplift.members_written as uplift_usd
    from flows
    left join uplift
        on flows.platform = 'mailchimp' and flows.automation_id = uplift.automation_id

)

select * from compared
