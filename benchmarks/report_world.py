"""Marts of a large shop, without the years that dbt would have to build: to see the report full.

    python -m benchmarks.report_world FILE.duckdb [--report FOLDER]

Three years up to a day in the middle of a month, 400 campaigns, a million customers. Everything is
drawn from hashes: the same figures each time.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb

LAST_DAY = date(2026, 10, 17)
DAYS, CAMPAIGNS, CUSTOMERS = 1096, 400, 1_000_000
AD_GROUPS, ADS = 3, 3
SEEDS = Path(__file__).resolve().parents[1] / "transform" / "seeds"

SETTINGS = """
create macro chance(a, b) as hash(a, b) % 10000 / 10000.0;
create macro wave(day) as 1 + 0.3 * sin(2 * pi() * dayofyear(day) / 365)
    + 0.15 * (dayofweek(day) in (0, 6))::integer;
create temp table days as
select cast(unnest(generate_series($first::timestamp, $last::timestamp, interval 1 day)) as date)
    as day_date;
create temp table campaigns as
select
    number,
    ['google_ads', 'google_ads', 'meta_ads', 'linkedin_ads', 'microsoft_ads', 'tiktok_ads']
        [1 + number % 6] as platform,
    ['paid_search', 'paid_shopping', 'paid_social', 'paid_social', 'paid_search', 'paid_video']
        [1 + number % 6] as channel,
    (20000000000 + number)::varchar as campaign_id,
    ['US', 'EU', 'UK', 'CA'][1 + number % 4] || ' ' || ['Brand', 'Generic', 'Retargeting',
        'Prospecting', 'Autumn & winter <sale>'][1 + number % 5] || ' ' || number as campaign_name,
    20 + 400 * power(chance(number, 'size'), 4) as daily_usd,
    $first + (chance(number, 'begins') * $days * 0.8)::integer - $days // 5 as first_date,
    60 + (chance(number, 'length') * $days)::integer as showing_days
from range($campaigns) as numbers(number);
create temp table showing as
select campaigns.*, days.day_date,
    daily_usd * wave(day_date) * (0.7 + 0.6 * chance(number, day_date)) as usd
from campaigns
inner join days on day_date >= first_date and day_date < first_date + showing_days;
"""
TABLES = {
    "dim_channels": "select * from read_csv($channels)",
    "int_calendar__as_of": "select $last as as_of_date, 'USD' as reporting_currency",
    "int_calendar__exchange_rates": """
        select currency, $last as rate_date, rate::decimal(18, 4) as usd_per_unit,
            $last + 7 as valid_until_date
        from (values ('USD', 1), ('EUR', 1.08), ('GBP', 1.27)) as rates(currency, rate)""",
    "fct_campaign_performance": """
        select platform, campaign_id, campaign_name, channel, day_date as performance_date,
            (usd * 90)::bigint as impressions, (usd * 1.1)::bigint as clicks,
            usd::decimal(18, 2) as spend_usd,
            (usd / 30)::decimal(18, 6) as claimed_conversions,
            (usd * (1 + 3 * chance(number, 'claim')))::decimal(18, 2) as claimed_value_usd
        from showing""",
    "fct_ad_performance": """
        select platform, campaign_id,
            campaign_id || '-' || ad_group as ad_group_id, 'Group ' || ad_group as ad_group_name,
            campaign_id || '-' || ad_group || '-' || ad as ad_id,
            campaign_name || ' - Creative ' || chr(64 + ad_group::integer) || ad as ad_name,
            day_date as report_date, (part * 90)::bigint as impressions,
            (part * 1.1)::bigint as clicks, part::decimal(18, 2) as spend_usd,
            (part / 30)::decimal(18, 6) as claimed_conversions,
            (part * (1 + 3 * chance(number, 'claim')))::decimal(18, 2) as claimed_value_usd
        from (
            select showing.*, ad_group, ad,
                usd / $ads * (0.5 + chance(number, ad_group * 10 + ad)) as part
            from showing
            cross join range(1, $ad_groups + 1) as groups(ad_group)
            cross join range(1, $ads_of_group + 1) as ads(ad)
        )""",
    "fct_conversions": """
        select
            $last - (power(chance(number, 'day'), 1.3) * ($days - 1))::integer as conversion_date,
            case when number < $customers then 'first_order' else 'repeat_order' end
                as conversion_type,
            (20 + 120 * power(chance(number, 'value'), 2))::decimal(18, 2) as revenue_usd
        from range($customers * 17 // 10) as orders(number)""",
    "rpt_campaign_attribution_days": """
        select day_kind, day_date, channel, platform, campaign_id, conversion_type, model,
            credit::decimal(38, 12) as credit, (credit * 60)::decimal(18, 2) as revenue_usd
        from (
            select *, usd / 70 * (0.5 + 1.5 * chance(model, number)) * (0.4 + chance(
                day_date, hash(number, model, conversion_type, day_kind))) as credit
            from showing
            cross join (select unnest($models) as model)
            cross join (select unnest(['first_order', 'repeat_order']) as conversion_type)
            cross join (select unnest(['conversion', 'touch']) as day_kind)
        )""",
    "rpt_attribution_days": """
        with paid as (
            select day_kind, day_date, channel, conversion_type, model, sum(credit) as credit
            from rpt_campaign_attribution_days group by all
        ),
        own as (
            select day_kind, day_date, channel, conversion_type, model,
                40 * chance(channel, 'size') * wave(day_date)
                    * (0.5 + chance(day_date, hash(channel, conversion_type, model))) as credit
            from days
            cross join (select channel from dim_channels where not is_paid) as own_channels
            cross join (select unnest($models) as model)
            cross join (select unnest(['first_order', 'repeat_order']) as conversion_type)
            cross join (select unnest(['conversion', 'touch']) as day_kind)
            where channel not in ('audio', 'sms', 'mobile_push', 'organic_video', 'refunded')
        )
        select day_kind, day_date, channel, channel in (select channel from paid) as has_spend,
            conversion_type, window_days, model,
            (credit * (0.9 + window_days / 300))::decimal(38, 12) as credit,
            (credit * (0.9 + window_days / 300) * 60)::decimal(18, 2) as revenue_usd
        from (from paid union all from own)
        cross join (select unnest([1, 7, 14, 30, 60, 90]) as window_days)""",
    "fct_path_attribution": """
        select replace(model, 'linear', 'markov_1') as model, 'channel' as path_level,
            coalesce(conversion_type, 'all') as conversion_type, window_days, channel,
            null::varchar as platform, null::varchar as campaign_id,
            sum(credit)::decimal(18, 6) as credit, sum(revenue_usd)::decimal(18, 2) as revenue_usd
        from (
            select * replace (case model when 'j_shaped' then 'shapley' else model end as model)
            from rpt_attribution_days
        )
        where model in ('linear', 'shapley') and day_kind = 'conversion'
            and window_days in (7, 30, 90)
        group by grouping sets (
            (model, window_days, channel), (model, window_days, channel, conversion_type))""",
    "rpt_conversion_paths": """
        with steps as (
            select conversion_type, window_days, one, two,
                case when one = two then one else one || ' > ' || two end as channel_path,
                (4000 * power(chance(one, hash(two, conversion_type)), 6))::bigint as conversions
            from (select unnest(['all', 'first_order', 'repeat_order']) as conversion_type)
            cross join (select unnest([7, 30, 90]) as window_days)
            cross join (select channel as one from dim_channels)
            cross join (select channel as two from dim_channels)
        )
        select conversion_type, window_days, channel_path,
            case when one = two then 1 else 2 end as path_length, conversions,
            conversions * 30 as unconverted_journeys, 1 / 31.0::double as conversion_rate,
            conversions / sum(conversions) over (partition by conversion_type, window_days)
                as conversions_share,
            (conversions * 60)::decimal(18, 2) as revenue_usd, 2::decimal(18, 6) as mean_touches,
            3::decimal(18, 6) as mean_days_to_convert, 1::decimal(18, 6) as median_days_to_convert,
            9::decimal(18, 6) as p90_days_to_convert
        from steps where conversions > 0""",
    "rpt_budget_pacing": """
        with levels as (
            select platform, campaign_id, campaign_name, day_date, usd from showing
            union all
            select platform, '(all)', null, day_date, usd from showing
        ),
        months as (
            select date_trunc('month', day_date)::date as budget_month, platform, campaign_id,
                any_value(campaign_name) as campaign_name, sum(usd) as spend_usd,
                sum(usd) filter (day_date > $last - 7) / 7 as recent_usd
            from levels group by all
        ),
        planned as (
            select *, least(last_day(budget_month), $last) as counted_until_date,
                case when day($first) > 1 and budget_month < $first then
                    datediff('day', $first, last_day(budget_month)) + 1
                    else day(least(last_day(budget_month), $last)) end
                    / day(last_day(budget_month)) as counted_share,
                datediff('day', $last, last_day(budget_month)) as days_to_come
            from months
        ),
        budgets as (
            select *, greatest(days_to_come, 0) as days_left,
                case when chance(campaign_id, 'planned') < 0.9 or campaign_id = '(all)' then
                    round(spend_usd / counted_share
                        * (0.85 + 0.35 * chance(platform || campaign_id, budget_month)), -1)
                end as budget_usd
            from planned
        )
        select budget_month, platform, campaign_id, campaign_name,
            campaign_id = '(all)' as is_platform_total,
            budget_month = date_trunc('month', $last)::date as is_current_month,
            budget_usd::decimal(18, 2) as budget_usd, spend_usd::decimal(18, 2) as spend_usd,
            (spend_usd - budget_usd)::decimal(18, 2) as variance_usd,
            spend_usd / budget_usd as attainment, counted_until_date, counted_share,
            (budget_usd * counted_share)::decimal(18, 2) as budget_due_usd,
            spend_usd / (budget_usd * counted_share) as pacing,
            (spend_usd + days_left * coalesce(recent_usd, 0))::decimal(18, 2)
                as forecast_spend_usd,
            (spend_usd + days_left * coalesce(recent_usd, 0) - budget_usd)::decimal(18, 2)
                as forecast_variance_usd,
            (spend_usd + days_left * coalesce(recent_usd, 0)) / budget_usd as forecast_attainment,
            (budget_usd - spend_usd) / nullif(days_left, 0) as daily_spend_to_budget_usd,
            $last as as_of_date
        from budgets""",
    "rpt_hold_outs": """
        with tests as (
            select channel, name, number, log_change, 0.12 + 0.05 * number as log_reach
            from (values ('paid_search', 'brand_search', 0, -0.03),
                ('paid_search', 'generic_search', 1, -0.12),
                ('paid_social', 'prospecting', 2, -0.2), ('paid_social', 'prospecting', 3, -0.1),
                ('paid_video', 'video', 4, 0.02))
                as made(channel, name, number, log_change)
        )
        select name as pause_name, ($last - 400 + number * 60)::date as first_date,
            ($last - 361 + number * 60)::date as last_date, channel,
            case when number = 4 then 'too few orders' else 'estimated' end as hold_out_status,
            true as is_estimate, true as is_over, 8::bigint as regions_held_out,
            12::bigint as regions_kept, 300::bigint as held_out_before,
            260::bigint as held_out_during, 400::bigint as kept_before,
            410::bigint as kept_during, 0.3::decimal(18, 6) as spend_share,
            1.2::decimal(18, 6) as dispersion,
            case when number < 4 then log_change end::decimal(18, 6) as log_change,
            case when number < 4 then log_reach end::decimal(18, 6) as log_reach,
            case when number < 4 then 1 - exp(log_change) end::decimal(18, 6) as caused_share,
            case when number < 4 then 1 - exp(log_change + log_reach) end::decimal(18, 6)
                as caused_share_lower,
            case when number < 4 then 1 - exp(log_change - log_reach) end::decimal(18, 6)
                as caused_share_upper
        from tests""",
    "rpt_marginal_returns": """
        select platform, campaign_id, campaign_name, false as is_platform_total,
            case when number % 3 = 0 then 'too few weeks' else 'estimated' end as fit_status,
            number % 3 > 0 as is_estimate, 26::bigint as weeks,
            (daily_usd * 7)::decimal(18, 2) as weekly_spend_usd,
            (daily_usd / 5)::decimal(18, 6) as weekly_conversions,
            (daily_usd * 12)::decimal(18, 2) as weekly_revenue_usd,
            case when number % 3 > 0 then 0.5 end::decimal(18, 6) as elasticity,
            case when number % 3 > 0 then daily_usd * 12 / 14 end::decimal(18, 6) as roas,
            case when number % 3 > 0 then 0.8 * chance(number, 'curve') end::decimal(18, 6)
                as marginal_roas,
            (daily_usd * 1.4)::decimal(18, 2) as cut_weekly_spend_usd,
            case when number % 3 > 0 then 2 * daily_usd * chance(number, 'curve') end
                ::decimal(18, 2) as cut_weekly_revenue_usd,
            case when number % 3 > 0 then daily_usd * (2 * chance(number, 'curve') - 0.7) end
                ::decimal(18, 2) as cut_weekly_revenue_lower_usd,
            case when number % 3 > 0 then daily_usd * (2 * chance(number, 'curve') + 0.6) end
                ::decimal(18, 2) as cut_weekly_revenue_upper_usd
        from campaigns where first_date + showing_days > $last
        union all
        select platform, '(all)', null, true, 'estimated', true, 52, sum(daily_usd) * 7,
            sum(daily_usd) / 5, sum(daily_usd) * 12, 0.6, 1.7, 1.1, sum(daily_usd) * 1.4,
            sum(daily_usd) * 1.5, sum(daily_usd) * 1.1, sum(daily_usd) * 1.8
        from campaigns where first_date + showing_days > $last group by platform""",
    "rpt_ad_fatigue": """
        select platform, campaign_id, any_value(campaign_name) as campaign_name, ad_group_id, ad_id,
            any_value(ad_name) as ad_name, min(day_date) as first_date, max(day_date) as last_date,
            count(*) as showing_days, sum(impressions)::bigint as impressions,
            case when chance(ad_id, 1) < 0.3 then 'too few impressions' else 'judged' end
                as fatigue_status,
            0.02 as first_click_through_rate,
            0.02 * (0.4 + 0.7 * chance(ad_id, 2)) as latest_click_through_rate,
            -0.6 + 0.7 * chance(ad_id, 2) as click_through_rate_change,
            -3 * chance(ad_id, 2) as click_through_rate_z,
            1.2 as first_frequency, 1.2 + 4 * chance(ad_id, 3) as latest_frequency,
            4 * chance(ad_id, 3) / 1.2 as frequency_change,
            case when chance(ad_id, 1) >= 0.3 then chance(ad_id, 2) < 0.3 end
                as is_click_rate_falling,
            case when chance(ad_id, 1) >= 0.3
                then chance(ad_id, 2) < 0.3 and chance(ad_id, 3) > 0.5 end as is_fatigued
        from (select *, report_date as day_date from fct_ad_performance)
        inner join campaigns using (platform, campaign_id)
        group by platform, campaign_id, ad_group_id, ad_id""",
    "rpt_executive_kpis": """
        select kpi_month, metric, plan_value::decimal(18, 4) as plan_value
        from (select distinct date_trunc('month', day_date)::date as kpi_month from days)
        cross join (values ('spend_usd', 900000), ('revenue_usd', 3000000),
            ('new_customers', 28000), ('orders', 47000), ('cac_usd', 32), ('roas', 3.3))
            as plans(metric, plan_value)""",
    "rpt_lifetime_value": """
        select date_trunc('month', conversion_date)::date as cohort_month,
            'all' as acquisition_channel, count(*) as customers,
            (count(*) * 95)::decimal(18, 2) as value_365d_usd,
            (select max(day_date) from days) as prediction_date, 'bg_nbd' as shown_model,
            false as is_merged,
            """
    + ", ".join(
        f"(count(*) * {days * share})::decimal(18, 2) as {name}"
        for days in (30, 90, 180, 365)
        for name, share in (
            (f"expected_revenue_{days}d_usd", 0.3),
            (f"revenue_{days}d_low_usd", 0.2),
            (f"revenue_{days}d_high_usd", 0.4),
        )
    )
    + """
        from fct_conversions where conversion_type = 'first_order' group by all""",
}
MODELS = ["first_touch", "last_touch", "last_non_direct", "last_paid", "linear", "time_decay",
          "position_based", "j_shaped", "inverse_j_shaped"]  # fmt: skip


def write_full(
    path: Path,
    days: int = DAYS,
    campaigns: int = CAMPAIGNS,
    customers: int = CUSTOMERS,
    last_day: date = LAST_DAY,
) -> None:
    """Write a warehouse file with the marts that a report publishes, in the schema `marts`."""
    values = {
        "first": last_day - timedelta(days=days - 1),
        "last": last_day,
        "days": days,
        "campaigns": campaigns,
        "customers": customers,
        "ads": AD_GROUPS * ADS,
        "ad_groups": AD_GROUPS,
        "ads_of_group": ADS,
        "models": MODELS,
        "channels": str(SEEDS / "channels.csv"),
    }
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; use marts")
        for statement in SETTINGS.split(";\n"):
            if statement.strip():
                run(connection, statement, values)
        for name, statement in TABLES.items():
            run(connection, f"create table {name} as {statement}", values)


def run(connection: duckdb.DuckDBPyConnection, statement: str, values: dict[str, object]) -> None:
    """Run a statement with the values that it names, written into it: a macro takes none."""
    for name in sorted(values, key=len, reverse=True):
        statement = statement.replace(f"${name}", literal(values[name]))
    connection.execute(statement)


def literal(value: object) -> str:
    """Return a value as SQL has it."""
    if isinstance(value, date):
        return f"date '{value}'"
    if isinstance(value, str):
        return f"'{value}'"
    return str(value)


def build_report(marts: Path, folder: Path) -> None:
    """Publish the marts and build their pages in a new process, and print what it took."""
    code = (
        "import sys; from pathlib import Path;"
        " from marketing_analytics.report.build import build;"
        " from marketing_analytics.report.snapshots.publish import publish;"
        " from marketing_analytics.warehouse.marts import Marts;"
        " folder = Path(sys.argv[2]);"
        " publish(Marts(sys.argv[1], 'marts'), folder / 'snapshots');"
        " build(folder / 'snapshots', folder / 'pages')"
    )
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(marts), str(folder)], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"report: {time.perf_counter() - started:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of"
        f" CPU, {used.ru_maxrss / 1e3:.0f} MB at most; 20 s and 1,000 MB asked"
    )


def main() -> int:
    """Write the file that is named, and build its report where a folder is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--report", type=Path, help="folder of snapshots and pages")
    given = parser.parse_args()
    started = time.perf_counter()
    write_full(given.file)
    size = given.file.stat().st_size / 1e6
    print(f"{given.file}: {size:.0f} MB, {time.perf_counter() - started:.1f} s", flush=True)
    if given.report:
        given.report.mkdir(parents=True, exist_ok=True)
        build_report(given.file, given.report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
