"""Marts of customers and e-mail, added to those of a shop: drawn from hashes, any size, no dbt.

The truth is in `people` (one row a customer) and `bought` (one row a customer and month), so that a
test can ask whom a figure is about.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb

CHANNELS = ("paid_search", "email", "paid_social", "direct", "referral", "unknown")
NAMES = re.compile(r"\$[a-z]+")
MAILERS = ("mailchimp", "klaviyo", "hubspot")


def merged(customers: str, within: str, cell: str) -> str:
    """Return what the marts' macro of small cells says."""
    return (
        f"({customers} < 10 or coalesce(sum({customers}) over (partition by {within}"
        f" order by {customers}, {cell}"
        " rows between unbounded preceding and 1 preceding), 10) < 10)"
    )


SETTINGS = """
create or replace temp macro chance(a, b) as hash(a, b, $seed) % 10000 / 10000.0;
create or replace table people as
select
    number,
    cast(date '$last' - cast(chance(number, 'day') * $days as integer) as date) as first_date,
    list_extract($channels, 1 + cast(floor(power(chance(number, 'channel'), $skew) * 6) as integer))
        as channel
from range($customers) as numbers(number);
create or replace table bought as
select
    number,
    channel,
    cast(date_trunc('month', first_date) as date) as cohort_month,
    month_number,
    row_number() over (partition by number order by month_number) as purchase_number,
    cast(20 + 100 * chance(number, month_number) as decimal(18, 2)) as revenue_usd
from people
cross join range(0, $months) as ages(month_number)
where
    (month_number = 0 or chance(number, hash('back', month_number)) < 0.22)
    and date_trunc('month', first_date) + to_months(cast(month_number as integer)) <= date '$last';
create or replace temp table sizes as
select cohort_month, channel, count(*) as customers
from bought where month_number = 0 group by all;
"""
TABLES = {
    "fct_cohort_months": """
        select
            sizes.cohort_month, sizes.channel as acquisition_channel,
            '(none)' as acquisition_platform, '(none)' as acquisition_campaign_id,
            cast(ages.month_number as integer) as month_number,
            sizes.cohort_month + to_months(cast(ages.month_number + 1 as integer)) <= date '$last'
                as is_complete,
            any_value(sizes.customers) as customers, count(bought.number) as active_customers,
            cast(sum(count(*) filter (bought.purchase_number = 2)) over (
                partition by sizes.cohort_month, sizes.channel order by ages.month_number
            ) as bigint) as repeat_customers,
            count(bought.number) as purchases,
            cast(coalesce(sum(bought.revenue_usd), 0) as decimal(18, 2)) as revenue_usd,
            cast(sum(coalesce(sum(bought.revenue_usd), 0)) over (
                partition by sizes.cohort_month, sizes.channel order by ages.month_number
            ) as decimal(18, 2)) as cumulative_revenue_usd,
            cast(sum(coalesce(sum(bought.revenue_usd), 0)) over (
                partition by sizes.cohort_month, sizes.channel order by ages.month_number
            ) / 2 as decimal(18, 2)) as cumulative_margin_usd
        from sizes
        inner join range(0, $months) as ages(month_number)
            on sizes.cohort_month + to_months(cast(ages.month_number as integer)) <= date '$last'
        left join bought
            on sizes.cohort_month = bought.cohort_month and sizes.channel = bought.channel
            and ages.month_number = bought.month_number
        group by sizes.cohort_month, sizes.channel, ages.month_number""",
    "rpt_lifetime_value": f"""
        with judged as (
            select *, {merged("customers", "cohort_month", "channel")} as is_merged from sizes
        )
        select
            date '$last' as prediction_date, 'bg_nbd' as shown_model, 'one' as model_id,
            cohort_month, case when is_merged then 'other' else channel end as acquisition_channel,
            is_merged, cast(sum(customers) as bigint) as customers,
            cast(sum(customers) as decimal(18, 6)) as expected_purchases_365d,
            cast(sum(customers) * 11 as decimal(18, 2)) as expected_revenue_30d_usd,
            cast(sum(customers) * 7 as decimal(18, 2)) as revenue_30d_low_usd,
            cast(sum(customers) * 16 as decimal(18, 2)) as revenue_30d_high_usd,
            cast(sum(customers) * 30 as decimal(18, 2)) as expected_revenue_90d_usd,
            cast(sum(customers) * 21 as decimal(18, 2)) as revenue_90d_low_usd,
            cast(sum(customers) * 41 as decimal(18, 2)) as revenue_90d_high_usd,
            cast(sum(customers) * 55 as decimal(18, 2)) as expected_revenue_180d_usd,
            cast(sum(customers) * 40 as decimal(18, 2)) as revenue_180d_low_usd,
            cast(sum(customers) * 72 as decimal(18, 2)) as revenue_180d_high_usd,
            cast(sum(customers) * 100 as decimal(18, 2)) as expected_revenue_365d_usd,
            cast(sum(customers) * 70 as decimal(18, 2)) as revenue_365d_low_usd,
            cast(sum(customers) * 133 as decimal(18, 2)) as revenue_365d_high_usd,
            cast(sum(customers) * 95 as decimal(18, 2)) as value_365d_usd,
            cast(95 as decimal(18, 2)) as value_a_customer_usd
        from judged
        group by cohort_month, is_merged, case when is_merged then 'other' else channel end
        having sum(customers) >= 10""",
    "rpt_lifetime_value_accuracy": """
        select
            kind, date '$last' - 90 as prediction_date, horizon_days, 'one' as model_id,
            count(*) as customers, count(*) * horizon_days / 130.0 as expected_purchases,
            cast(count(*) * horizon_days / 135 as bigint) as purchases, 0.05 as purchases_bias,
            0.8 as purchases_mae, 1.1 as benchmark_purchases_mae, 1.05 as calibration_slope,
            count(*) * horizon_days / 3.0 as expected_revenue_usd,
            count(*) * horizon_days / 3.1 as revenue_usd, 0.032 as revenue_bias,
            37.1 as revenue_mae_usd, 62.4 as benchmark_revenue_mae_usd, 70.0 as revenue_rmse_usd,
            119.0 as benchmark_revenue_rmse_usd, 0.45 as top_fifth_share,
            0.83 as interval_coverage, true as has_beaten_benchmark
        from people
        cross join (values ('hold_out', 30), ('hold_out', 90), ('kept', 30))
            as judged(kind, horizon_days)
        where first_date <= date '$last' - 90 group by kind, horizon_days""",
    "rpt_lifetime_value_calibration": f"""
        with grouped as (
            select kind, horizon_days, 'tenth' as group_kind,
                cast(1 + number % 10 as varchar) as group_name
            from people cross join (values ('hold_out', 30), ('hold_out', 90), ('kept', 30))
                as judged(kind, horizon_days) where first_date <= date '$last' - 90
            union all
            select kind, horizon_days, 'channel', channel
            from people cross join (values ('hold_out', 30), ('hold_out', 90), ('kept', 30))
                as judged(kind, horizon_days) where first_date <= date '$last' - 90
        ),
        sized as (
            select kind, horizon_days, group_kind, group_name, count(*) as customers
            from grouped group by all
        ),
        judged as (
            select *, {merged("customers", "kind, horizon_days, group_kind", "group_name")}
                as is_merged from sized
        )
        select
            kind, date '$last' - 90 as prediction_date, horizon_days, 'one' as model_id, group_kind,
            case when is_merged then 'other' else group_name end as group_name, is_merged,
            cast(sum(customers) as bigint) as customers,
            sum(customers) * horizon_days / 130.0 as expected_purchases,
            cast(sum(customers) * horizon_days / 135 as bigint) as purchases,
            0.96 as purchases_ratio, sum(customers) * horizon_days / 3.0 as expected_revenue_usd,
            sum(customers) * horizon_days / 3.1 as revenue_usd, 0.97 as revenue_ratio
        from judged group by kind, horizon_days, group_kind, is_merged,
            case when is_merged then 'other' else group_name end
        having sum(customers) >= 10""",
    "rpt_customer_cells": f"""
        with sized as (
            select 'segment' as breakdown, list_extract(['new', 'promising', 'slipping', 'loyal',
                'champions', 'potential_loyal', 'lost'], 1 + number % 7) as cell,
                count(*) as customers, sum(40 + 30 * (number % 7)) as revenue_usd
            from people group by all
        ),
        judged as (
            select *, {merged("customers", "breakdown", "cell")} as is_merged from sized
        )
        select breakdown, case when is_merged then 'other' else cell end as cell, is_merged,
            count(*) as merged_cells, cast(sum(customers) as bigint) as customers,
            cast(sum(revenue_usd) as decimal(18, 2)) as revenue_usd
        from judged group by breakdown, is_merged, case when is_merged then 'other' else cell end
        having sum(customers) >= 10""",
    "rpt_rfm_migration": f"""
        with moved as (
            select ends.end_date as scored_date,
                list_extract(['new', 'promising', 'loyal', 'champions', 'first order'],
                    1 + cast(chance(number, ends.end_date) * 4 as integer)) as previous_segment,
                list_extract(['new', 'promising', 'loyal', 'champions'], 1 + number % 4) as segment
            from people
            inner join (select cast(date_trunc('month', date '$last') as date)
                - to_months(cast(back as integer)) as end_date from range(0, 4) as backs(back))
                as ends on first_date <= ends.end_date
        ),
        sized as (
            select *, count(*) as customers, previous_segment || '>' || segment as move_name
            from moved group by all
        ),
        judged as (
            select *, {merged("customers", "scored_date", "move_name")} as is_merged from sized
        )
        select cast(scored_date as date) as scored_date,
            cast(scored_date - to_months(1) as date) as previous_date,
            case when is_merged then 'other' else previous_segment end as previous_segment,
            case when is_merged then 'other' else segment end as segment, is_merged,
            cast(sum(customers) as bigint) as customers,
            cast(sum(customers) * 50 as decimal(18, 2)) as revenue_usd
        from judged group by all having sum(customers) >= 10""",
    "rpt_segment_models": """
        select
            name as segment_name, 'yes' as outcome, 'one' as model_id, date '$last' as as_of_date,
            timestamp '2026-11-01 00:00:00' as trained_at, state as status,
            state = 'published' as is_published, state = 'published' as is_in_force,
            '3 customers are a yes' as reason, 60 as horizon_days,
            date '$last' - 60 as judged_on_date, judged as judge_customers, 2.5 as lift,
            2.4 as rfm_lift, 0.7 as auc, 0.66 as rfm_auc
        from (values ('will_buy', 'published', 800), ('will_churn', 'too_few_customers', 3))
            as models(name, state, judged) where $customers >= 100""",
    "rpt_behaviour_cohorts": """
        with grouped as (
            select 'all' as cohort, number from people
            union all select 'mobile first', number from people where number % 3 = 0
            union all select 'blog <readers>', number from people where number % 50 = 0
        ),
        sized as (
            select cohort, count(*) * 20 as persons, count(*) as buyers from grouped group by cohort
        )
        select one.cohort, one.persons, one.buyers, one.buyers / one.persons as conversion_rate,
            (one.buyers / one.persons) / (everyone.buyers / everyone.persons) as conversion_lift,
            0.3 as repeat_rate, one.buyers * 2 as conversions,
            cast(one.buyers * 80 as decimal(18, 2)) as revenue_usd,
            one.buyers * 80 / one.persons as revenue_per_person_usd, 80.0 as revenue_per_buyer_usd
        from sized as one cross join sized as everyone
        where everyone.cohort = 'all' and one.persons >= 10
            and (one.persons = everyone.persons or everyone.persons - one.persons >= 10)""",
    "fct_acquisition_funnel": """
        with visits as (
            select channel, session_date,
                cast(1 + $customers / 40.0 * chance(channel, session_date) as bigint) as sessions
            from (select unnest($channels) as channel) cross join (
                select cast(unnest(generate_series(date '$last' - $days + 1, date '$last',
                    interval 1 day)) as date) as session_date)
            where $customers > 0 and chance(session_date, hash(channel, 'none')) < 0.9
        ),
        staged as (
            select *, cast(sessions * 0.4 as bigint) as product_view_sessions,
                cast(sessions * 0.2 as bigint) as add_to_cart_sessions,
                cast(sessions * 0.12 as bigint) as checkout_sessions,
                cast(sessions * 0.08 as bigint) as purchase_sessions
            from visits
        )
        select staged.*,
            case when product_view_sessions > 0 then 10 + 80 * chance(session_date, 1) end
                as seconds_to_product_view,
            case when add_to_cart_sessions > 0 and chance(session_date, 5) < 0.9
                then 20 + 80 * chance(session_date, 2) end as seconds_to_add_to_cart,
            case when checkout_sessions > 0 then 30 + 80 * chance(session_date, 3) end
                as seconds_to_checkout,
            case when purchase_sessions > 0 then 90 + 200 * chance(session_date, 4) end
                as seconds_to_purchase,
            spent.spend_usd
        from staged
        left join (
            select channel, performance_date, cast(sum(spend_usd) as decimal(18, 2)) as spend_usd
            from fct_campaign_performance group by all
        ) as spent on staged.channel = spent.channel and session_date = performance_date""",
    "fct_email_campaigns": """
        with mails as (
            select platform, number,
                cast(date '$last' - cast(number * $days / greatest($mails, 1) as integer) as date)
                    as sent_date,
                cast(power(chance(number, platform), 2) * $customers * 0.9 as bigint) as sent
            from (select unnest($mailers) as platform) cross join range(0, $mails) as mails(number)
        )
        select
            platform, platform || number as campaign_id, 'regular' as campaign_type,
            'Newsletter ' || number as campaign_title, 'Look <here>' as subject_line,
            case when platform = 'mailchimp' then 'list' || number % 2 end as audience_id,
            case when platform = 'mailchimp' then 'Audience ' || number % 2 end as audience_name,
            'shop.example' as sender_domain,
            sent_date + interval 9 hour as sent_at, sent,
            sent - sent // 100 as delivered, sent // 100 as bounces, 0::bigint as hard_bounces,
            0::bigint as soft_bounces,
            case when platform <> 'hubspot' then sent // 4 end as human_opens,
            case when platform <> 'hubspot' then sent // 3 end as machine_opens,
            case when platform <> 'hubspot' then sent // 5 end as human_openers,
            case when platform <> 'hubspot' then sent // 3 end as machine_openers,
            sent // 2 as openers,
            case when platform <> 'hubspot' then sent // 30 end as human_clicks,
            case when platform <> 'hubspot' then sent // 9 end as machine_clicks,
            case when platform <> 'hubspot' then sent // 33 end as human_clickers,
            sent // 8 as clickers, sent // 400 as unsubscribes, 0::bigint as complaints,
            case when platform = 'mailchimp' then cast(sent / 200 as decimal(18, 6)) end
                as attributed_conversions,
            case when platform = 'mailchimp' then cast(sent * 0.31 as decimal(18, 2)) end
                as attributed_revenue_usd
        from mails where sent > 0""",
    "fct_automation_steps": """
        select
            platform, platform || 'flow' || flow as automation_id, step as step_position,
            platform || '-' || flow || '-' || step as campaign_id,
            'Flow ' || flow as automation_title,
            'Step ' || step as step_title, 'Hello' as subject_line,
            case when platform = 'mailchimp' then 'list' || flow % 2 end as audience_id,
            'shop.example' as sender_domain, 1::bigint as delay_amount, 'day' as delay_type,
            cast($customers * (1 - 0.2 * step) as bigint) as sent,
            cast($customers * (1 - 0.2 * step) as bigint) as delivered,
            case when platform <> 'hubspot' then cast($customers * 0.2 as bigint) end
                as human_openers, cast($customers * 0.4 as bigint) as openers,
            case when platform <> 'hubspot' then cast($customers * 0.02 as bigint) end
                as human_clickers, cast($customers * 0.1 as bigint) as clickers,
            0::bigint as unsubscribes,
            case when step < 3 then cast($customers * (0.8 - 0.2 * step) as bigint) end
                as sent_next_step, case when platform = 'klaviyo' and step < 3 then 48.0 end
                as hours_to_next_step,
            case when platform = 'mailchimp' then cast(30 * step as decimal(18, 2)) end
                as attributed_revenue_usd
        from (select unnest($mailers) as platform) cross join range(1, 3) as flows(flow)
        cross join range(1, 4) as steps(step) where $customers > 0""",
    "rpt_automation_flows": """
        select
            platform, automation_id, min(automation_title) as automation_title, count(*) as steps,
            cast(sum(sent) as bigint) as sent, cast(sum(delivered) as bigint) as delivered,
            0::bigint as unsubscribes, max(sent) as sent_first_step, min(sent) as sent_last_step,
            sum(hours_to_next_step) as hours_to_last_step,
            case when platform = 'mailchimp' then cast(2 as decimal(18, 6)) end
                as attributed_conversions,
            cast(sum(attributed_revenue_usd) as decimal(18, 2)) as attributed_revenue_usd,
            case when platform = 'mailchimp' then $customers * 9 // 10 end as members_written,
            case when platform = 'mailchimp' then $customers // 10 end as members_held_out,
            case when platform = 'mailchimp' then 36.4 end as revenue_per_member_usd,
            case when platform = 'mailchimp' then 30.1 end as revenue_per_held_out_usd,
            case when platform = 'mailchimp' then 6.3 end as uplift_per_member_usd,
            case when platform = 'mailchimp' then 2.9 end as uplift_error_usd
        from fct_automation_steps group by platform, automation_id""",
    "rpt_email_frequency": """
        select platform, band as messages_in_30_days,
            cast($customers / power(2, band) * band as bigint) as delivered,
            cast($customers / power(2, band) as bigint) as recipients,
            cast($customers / power(2, band) * band / 4 as bigint) as human_openers,
            cast($customers / power(2, band) * band / 30 as bigint) as human_clickers,
            0::bigint as unsubscribes
        from (select unnest(['mailchimp', 'klaviyo']) as platform)
        cross join range(1, 16) as bands(band) where $customers / power(2, band) >= 1""",
    "rpt_email_list_months": """
        select 'mailchimp' as platform, 'list' || list as audience_id,
            'Audience ' || list as audience_name, months.month_date,
            case when place > 0 then cast($customers * place / 40 as bigint) end
                as members_at_start,
            cast($customers / 40 + 2 as bigint) as joined, 2::bigint as unsubscribed,
            0::bigint as cleaned, 0::bigint as removed,
            cast($customers * (place + 1) / 40 as bigint) as members_at_end
        from range(0, 2) as lists(list) cross join (
            select distinct cohort_month as month_date,
                row_number() over (order by cohort_month) - 1 as place
            from (select distinct cohort_month from sizes)
        ) as months""",
    "rpt_email_breakdowns": """
        with cells as (
            select platform, 'audience_id' as breakdown, coalesce(audience_id, 'unknown') as cell,
                * exclude (platform) from fct_email_campaigns
            union all
            select platform, 'sender_domain', sender_domain, * exclude (platform)
            from fct_email_campaigns
            union all
            select platform, 'recipient_domain', 'example.' || ['com', 'org', 'net'][1 + cast(hash(
                campaign_id) % 3 as integer)], * exclude (platform) from fct_email_campaigns
        )
        select platform, breakdown, cell, 1::bigint as merged_cells,
            cast(sum(sent) as bigint) as sent, cast(sum(delivered) as bigint) as delivered,
            cast(sum(bounces) as bigint) as bounces,
            cast(sum(human_openers) as bigint) as human_openers,
            cast(sum(machine_openers) as bigint) as machine_openers,
            cast(sum(openers) as bigint) as openers,
            cast(sum(human_clickers) as bigint) as human_clickers,
            cast(sum(clickers) as bigint) as clickers,
            cast(sum(unsubscribes) as bigint) as unsubscribes,
            cast(sum(attributed_revenue_usd) as decimal(18, 2)) as attributed_revenue_usd
        from cells group by platform, breakdown, cell""",
}


def add_customers(
    path: Path, last: date, *, customers: int, days: int = 120, mails: int = 12, seed: int = 1,
    skew: float = 2.0,
) -> None:  # fmt: skip
    """Add the tables to the schema `marts` of a DuckDB file; those of the same name go."""
    values = {
        "$customers": str(customers), "$days": str(days), "$mails": str(mails), "$seed": str(seed),
        "$skew": str(skew), "$last": str(last), "$months": str(days // 30 + 2),
        "$channels": str(list(CHANNELS)), "$mailers": str(list(MAILERS)),
    }  # fmt: skip
    with duckdb.connect(str(path)) as connection:
        connection.execute("use marts")
        statements = [part for part in SETTINGS.split(";\n") if part.strip()]
        statements += [f"create or replace table {name} as {sql}" for name, sql in TABLES.items()]
        for statement in statements:
            connection.execute(NAMES.sub(lambda found: values[found[0]], statement))
