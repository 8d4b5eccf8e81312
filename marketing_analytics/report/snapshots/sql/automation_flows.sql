-- flows whose steps all have ten mails and more, with what they brought over the members who were
-- held out: ten at least of both
select
    platform,
    automation_id,
    automation_title,
    steps,
    sent,
    delivered,
    unsubscribes,
    sent_first_step,
    sent_last_step,
    hours_to_last_step,
    attributed_conversions,
    attributed_revenue_usd,
    case when members_written >= 10 and members_held_out >= 10 then members_written end
        as members_written,
    case when members_written >= 10 and members_held_out >= 10 then members_held_out end
        as members_held_out,
    case
        when members_written >= 10 and members_held_out >= 10
            then cast(revenue_per_member_usd as decimal(18, 2))
    end as revenue_per_member_usd,
    case
        when members_written >= 10 and members_held_out >= 10
            then cast(revenue_per_held_out_usd as decimal(18, 2))
    end as revenue_per_held_out_usd,
    case
        when members_written >= 10 and members_held_out >= 10
            then cast(uplift_per_member_usd as decimal(18, 2))
    end as uplift_per_member_usd,
    case
        when members_written >= 10 and members_held_out >= 10
            then cast(uplift_error_usd as decimal(18, 2))
    end as uplift_error_usd
from rpt_automation_flows
where not exists (
        select 1
        from fct_automation_steps as steps
        where
            rpt_automation_flows.platform = steps.platform
            and rpt_automation_flows.automation_id = steps.automation_id
            and steps.sent < 10
    )
