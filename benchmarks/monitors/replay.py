"""A built world day by day: the marts as they were on each day, as views over one copy.

What a build computes from the day itself (pacing, months, freshness, accuracy of value) is computed
here in the same way, in as many columns as the monitors read. A fault is other SQL in place of a
view.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from marketing_analytics.cloud_api.cron import next_ticks
from marketing_analytics.cloud_api.states import Status
from marketing_analytics.monitor import history
from marketing_analytics.monitor.checks import checks, job_runs
from marketing_analytics.monitor.place import Place
from marketing_analytics.monitor.run import Run, run_monitors, watched

SCHEMA = "marts"
# table: the column of its day
DATED = {
    "fct_ad_spend": "report_date",
    "int_ads__daily": "report_date",
    "stg_google_ads__campaign_stats": "report_date",
    "stg_google_ads__ad_stats": "report_date",
    "stg_meta_ads__ad_insights": "report_date",
    "stg_linkedin_ads__campaign_stats": "report_date",
    "stg_linkedin_ads__creative_stats": "report_date",
    "stg_ga4__events": "event_date",
    "stg_ga4_reports__traffic": "report_date",
    "stg_shop__orders": "order_date",
    "stg_shop__customers": "created_at",
    "stg_shop__consents": "changed_at",
    "stg_klaviyo__events": "event_date",
    "stg_mailchimp__email_activity": "activity_at",
    "stg_hubspot__contacts": "created_at",
    "int_consent__decisions": "changed_at",
    "int_email__events": "event_at",
    "int_web__sessions": "session_date",
    "fct_touchpoints": "touch_date",
    "fct_conversions": "conversion_date",
    "fct_attribution": "conversion_date",
}
WHOLE = (
    "campaign_channels", "campaign_mapping", "channel_rules", "channels", "click_ids",
    "referral_exclusions", "traffic_sources", "dim_channels", "stg_shop__planned_pauses",
)  # fmt: skip
MADE = {
    "int_calendar__as_of": "select date '{day}' as as_of_date, 'USD' as reporting_currency",
    "dim_campaigns": """
        select * replace (
            case when campaign_id in (
                select campaign_id from base.fct_ad_spend group by campaign_id
                having date '{day}' between min(report_date) and max(report_date)
            ) then 'ACTIVE' else 'PAUSED' end as campaign_status
        )
        from base.dim_campaigns""",
    "rpt_budget_pacing": """
        with spent as (
            select platform, campaign_id, sum(spend_usd) as spend_usd
            from {marts}.fct_ad_spend
            where date_trunc('month', report_date) = date_trunc('month', date '{day}')
            group by platform, campaign_id
            union all
            select platform, '(all)', sum(spend_usd)
            from {marts}.fct_ad_spend
            where date_trunc('month', report_date) = date_trunc('month', date '{day}')
            group by platform
        )
        select
            budgets.budget_month, budgets.platform, budgets.campaign_id, budgets.campaign_name,
            true as is_current_month, budgets.budget_usd,
            coalesce(spent.spend_usd, 0) as spend_usd,
            coalesce(spent.spend_usd, 0)
            / (budgets.budget_usd * day(date '{day}') / day(last_day(date '{day}'))) as pacing,
            date '{day}' as counted_until_date
        from base.rpt_budget_pacing as budgets
        left join spent using (platform, campaign_id)
        where budgets.budget_usd > 0
            and budgets.budget_month = date_trunc('month', date '{day}')""",
    "rpt_unmapped_traffic": """
        select
            'no rule' as reason, channel, origin_source as traffic_source,
            origin_medium as traffic_medium, count(*) as sessions, 0.0 as conversions,
            0.0 as revenue_usd, min(session_date) as first_session_date,
            max(session_date) as last_session_date
        from {marts}.int_web__sessions where channel = 'unassigned' and not is_bot
        group by all""",
    "rpt_executive_kpis": """
        select
            cast(date_trunc('month', conversion_date) as date) as kpi_month,
            'revenue_usd' as metric, sum(revenue_usd) as actual_value
        from {marts}.fct_conversions group by all""",
    "rpt_lifetime_value_accuracy": "select * exclude (as_of) from base.ltv where as_of = '{day}'",
    "stg_ingest__freshness": """
        with rows as (
            select platform, campaign_id, max(report_date) as last_row_day
            from {marts}.fct_ad_spend group by platform, campaign_id
        )
        select
            known.source, known.report, known.account_id, known.campaign_id, known.first_day,
            case when known.last_day is not null then date '{day}' + 1 end as last_day,
            case when known.campaign_id <> '' then rows.last_row_day else date '{day}' end
                as last_row_day,
            case when known.read_at is not null then timestamp '{day} 06:00' + interval 1 day end
                as read_at
        from base.stg_ingest__freshness as known
        left join rows on known.source = rows.platform and known.campaign_id = rows.campaign_id
        where known.campaign_id = '' or rows.last_row_day is not null""",
    "stg_ingest__loads": """
        select * replace (timestamp '{day} 06:00' + interval 1 day as started_at)
        from base.stg_ingest__loads""",
}  # fmt: skip
JOBS = {
    "ad-platform-sync": "0 6,12,18 * * *",
    "attribution-daily-refresh": "0 4 * * *",
    "campaign-performance": "30 4 * * *",
    "weekly-report": "0 5 * * 1",
}
ACCURACY = """
    select
        'hold_out' as kind, date '2026-08-02' as prediction_date, horizon as horizon_days,
        'made up' as model_id, 1000 as customers, 0.1 as purchases_bias, 30000.0 as revenue_usd,
        0.1 as revenue_bias, 35.0 as revenue_mae_usd, 60.0 as benchmark_revenue_mae_usd,
        70.0 as revenue_rmse_usd, 0.83 as interval_coverage
    from (values (30), (90)) as horizons(horizon)
"""


@dataclass
class Fault:
    """What is wrong from a day on: SQL in place of views, runs of jobs, and who should tell."""

    kind: str
    name: str
    day: date
    monitors: tuple[str, ...]
    views: dict[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    job: tuple[str, str] | None = None


class Replay:
    """A copy of a built world, and the watch over it."""

    def __init__(self, demo: Path, file: Path, seed: int) -> None:
        self.file, self.seed = file, seed
        self.place = Place(str(file), SCHEMA)
        self.monitors = watched(checks(), {})
        if not file.exists():
            copy_world(demo, file, seed)
        with self.connection() as connection:
            days = "select min(report_date), max(report_date) from base.fct_ad_spend"
            self.first_day, self.last_day = connection.execute(days).fetchone()

    def connection(self) -> Any:
        """Return a connection to the copy; nobody else may have one meanwhile."""
        return duckdb.connect(str(self.file))

    def run(self, day: date, fault: Fault | None = None) -> Run:
        """Watch the marts as they were in the morning after a day."""
        with self.connection() as connection:
            build_views(connection, day, fault)
        os.environ["MARKETING_NOW"] = f"{day + timedelta(days=1)}T07:00:00Z"
        runs = Runs(day, fault)
        job_runs.jobs_with_runs = runs.jobs  # type: ignore[assignment]
        return run_monitors(self.place, self.monitors)

    def forget(self) -> None:
        """Let the watch know nothing."""
        with self.connection() as connection:
            connection.execute(f"drop schema if exists {SCHEMA}_monitor cascade")
            connection.execute("create schema if not exists kept")
            for table in ("monitor_results", "monitor_memory"):
                connection.execute(f"drop table if exists kept.{table}")

    def keep(self, day: date) -> None:
        """Keep what the watch knows after a day."""
        with self.connection() as connection:
            for table in ("monitor_results", "monitor_memory"):
                rows = f"select date '{day}' as kept_on, * from {SCHEMA}_monitor.{table}"
                make = f"create table if not exists kept.{table} as {rows} limit 0"
                connection.execute(make)
                if table == "monitor_results":
                    rows += f" where cast(checked_at as date) = date '{day}' + 1"
                connection.execute(f"insert into kept.{table} {rows}")

    def know(self, day: date) -> None:
        """Let the watch know what it knew after a day."""
        with self.connection() as connection:
            history.prepare(connection, self.place)
            connection.execute(f"delete from {SCHEMA}_monitor.monitor_runs")
            for table in ("monitor_results", "monitor_memory"):
                connection.execute(f"delete from {SCHEMA}_monitor.{table}")
                rows = f"select * exclude (kept_on) from kept.{table} where kept_on = '{day}'"
                connection.execute(f"insert into {SCHEMA}_monitor.{table} by name {rows}")


def copy_world(demo: Path, file: Path, seed: int) -> None:
    """Copy what the monitors read of a demo's warehouse, views as tables."""
    connection = duckdb.connect(str(file))
    warehouse = demo / "cloud" / "warehouse" / "env_1.duckdb"
    connection.execute(f"attach '{warehouse}' as env_1 (read_only)")
    connection.execute(f"attach '{demo / 'raw.duckdb'}' as raw (read_only)")
    connection.execute("create schema base")
    made = ("dim_campaigns", "rpt_budget_pacing", "stg_ingest__freshness", "stg_ingest__loads")
    for table in (*DATED, *WHOLE, *made, "rpt_lifetime_value_accuracy"):
        rows = f"select * from env_1.local_demo.{table}"
        if table == "fct_attribution":
            rows += " where is_own_window"
        connection.execute(f"create table base.{table} as {rows}")
    connection.execute(f"create schema {SCHEMA}")
    accuracy_by_day(connection, random.Random(seed))
    connection.close()


def accuracy_by_day(connection: Any, chance: random.Random) -> None:
    """Make the accuracy of value on every day: that of the build, wandering as windows move on."""
    known = "base.rpt_lifetime_value_accuracy"
    if not connection.execute(f"select count(*) from {known}").fetchone()[0]:
        # its fit did not converge: something has to be judged
        connection.execute(f"insert into {known} by name {ACCURACY}")
    days = connection.execute("select distinct report_date from base.fct_ad_spend order by 1")
    order = [day for (day,) in days.fetchall()]
    connection.execute(
        "create table base.ltv as select date '2000-01-01' as as_of, *"
        " from base.rpt_lifetime_value_accuracy limit 0"
    )
    for horizon in (30, 90):
        bias = coverage = 0.0
        for day in order:
            bias = 0.97 * bias + chance.gauss(0, 0.012)
            coverage = 0.9 * coverage + chance.gauss(0, 0.006)
            connection.execute(
                """
                insert into base.ltv
                select ?, * replace (
                    ? - cast(horizon_days as integer) as prediction_date,
                    revenue_bias * 0.5 + ? as revenue_bias,
                    purchases_bias * 0.5 + ? as purchases_bias,
                    interval_coverage + ? as interval_coverage
                )
                from base.rpt_lifetime_value_accuracy where horizon_days = ?
                """,
                [day, day, bias, bias + chance.gauss(0, 0.01), coverage, horizon],
            )


def build_views(connection: Any, day: date, fault: Fault | None) -> None:
    """Make the marts of a day, with a fault in them."""
    connection.execute(f"drop schema {SCHEMA} cascade")
    connection.execute(f"create schema {SCHEMA}")
    wrong = fault.views if fault else {}
    bodies = {
        table: f"select * from base.{table} where cast({column} as date) <= date '{day}'"
        for table, column in DATED.items()
    }
    bodies |= {table: f"select * from base.{table}" for table in WHOLE}
    bodies |= {
        table: body.replace("{day}", str(day)).replace("{marts}", SCHEMA)
        for table, body in MADE.items()
    }
    for table, body in bodies.items():
        text = wrong.get(table, "select * from {t}").replace("{t}", f"({body})")
        connection.execute(f"create view {SCHEMA}.{table} as {text.replace('{day}', str(day))}")
    for statement in fault.after if fault else ():
        connection.execute(statement.replace("{marts}", SCHEMA))


class Runs:
    """Runs of jobs as dbt Cloud would tell them."""

    def __init__(self, day: date, fault: Fault | None) -> None:
        self.now = datetime(day.year, day.month, day.day, 7, tzinfo=UTC) + timedelta(days=1)
        self.fault = fault

    def jobs(self) -> list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
        """Return the jobs with their last runs, newest first."""
        found: list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = []
        for number, (name, cron) in enumerate(JOBS.items(), 1):
            job = {
                "id": number,
                "name": name,
                "state": 1,
                "triggers": {"schedule": True},
                "schedule": {"cron": cron},
                "created_at": "2026-01-01T00:00:00Z",
            }
            found.append((job, list(self.runs(name, cron))))
        return found

    def runs(self, name: str, cron: str) -> Iterable[Mapping[str, Any]]:
        """Yield the runs of a job, newest first, the 20 last ones."""
        first = self.now - timedelta(days=36)
        ticks = [tick for tick in next_ticks(cron, first, 150) if tick < self.now]
        for number, tick in reversed(list(enumerate(ticks[-20:]))):
            wrong = self.fault.job if self.fault and self.fault.job else ("", "")
            is_wrong = wrong[0] == name and self.fault and tick.date() > self.fault.day
            if is_wrong and wrong[1] == "missing":
                continue
            seconds = 300 + 37 * (number % 5)
            is_error = is_wrong and wrong[1] == "error"
            status = Status.ERROR if is_error else Status.SUCCESS
            yield {
                "id": number,
                "status": int(status),
                "created_at": tick.isoformat(),
                "started_at": (tick + timedelta(seconds=5)).isoformat(),
                "finished_at": (tick + timedelta(seconds=seconds)).isoformat(),
            }
