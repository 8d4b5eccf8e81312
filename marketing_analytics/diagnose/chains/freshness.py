"""Freshness: from what the platforms have to what the report shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from marketing_analytics.core.clock import now
from marketing_analytics.diagnose.chains.shared import judge_loads
from marketing_analytics.diagnose.link import Link, Row, Verdict, broken, listed, ok, unknown
from marketing_analytics.web.words import plural

# a sync a day, and half a day of grace
MOST_SYNC_HOURS = 36
# days after which a platform tells a day; of the others the day after
DELAY_DAYS = {"ga4": 3, "ga4_reports": 2}
DEFAULT_DELAY_DAYS = 2
MOST_DAYS_APART = 1
# a look of before says nothing of now
MOST_PROBE_HOURS = 24
# clocks of two machines differ by less
AHEAD_HOURS = 1


def hours_since(at: datetime) -> float:
    """Return hours from a UTC time to the business time."""
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return (now() - at) / timedelta(hours=1)


def judge_delay(rows: Sequence[Row]) -> Verdict:
    """Judge the last day with a row of sources that were read: as the platform's own delay."""
    read = [
        row for row in rows if row["read_at"] and hours_since(row["read_at"]) <= MOST_SYNC_HOURS
    ]
    if not read:
        return unknown("no source was read in the last 36 hours: see the link sync")
    days = [row for row in read if row["last_row_day"] is not None]
    today = now().date()
    late = [
        (row["source"], row["last_row_day"])
        for row in days
        if (today - row["last_row_day"]).days > DELAY_DAYS.get(row["source"], DEFAULT_DELAY_DAYS)
    ]
    if late:
        return broken(
            "read, and without rows of the latest days: "
            + listed([f"{source} (until {day})" for source, day in late])
        )
    return ok(f"{plural(len(days), 'source')} with days: those there can be are there")


def judge_sync(rows: Sequence[Row]) -> Verdict:
    """Judge the last sync of each source: whole, and of the last 36 hours."""
    loads = judge_loads(rows)
    if loads.status == "broken":
        return loads
    ahead = [
        (row["source"], row["read_at"])
        for row in rows
        if row["read_at"] and hours_since(row["read_at"]) < -AHEAD_HOURS
    ]
    if ahead:
        return broken(
            "read at a time to come, by a wrong clock: "
            + listed([f"{source} (at {at:%Y-%m-%d %H:%M})" for source, at in ahead])
        )
    old = [
        (row["source"], row["read_at"])
        for row in rows
        if row["read_at"] and hours_since(row["read_at"]) > MOST_SYNC_HOURS
    ]
    if old:
        return broken(
            "not read for 36 hours: "
            + listed([f"{source} (since {at:%Y-%m-%d %H:%M})" for source, at in old])
        )
    return loads


def judge_run(rows: Sequence[Row]) -> Verdict:
    """Judge marts against what is loaded: the same last day."""
    behind = [
        row
        for row in rows
        if row["loaded_to"] and (row["built_to"] or row["loaded_to"].min) < row["loaded_to"]
    ]
    if behind:
        return broken(
            "loaded and not built: "
            + listed(
                [f"{r['mart']} (to {r['loaded_to']}, built to {r['built_to']})" for r in behind]
            )
        )
    return ok(f"{plural(len(rows), 'mart reaches', 'marts reach')} as far as what is loaded")


def judge_marts(rows: Sequence[Row]) -> Verdict:
    """Judge marts among each other, and today: a day apart at most."""
    known = [row for row in rows if row["as_of_date"] is not None]
    if not known:
        return broken("no mart has a day: there are no data yet")
    latest = max(row["as_of_date"] for row in known)
    old = [row for row in known if (latest - row["as_of_date"]).days > MOST_DAYS_APART]
    if old:
        return broken(
            f"built to {latest}, and older: "
            + listed([f"{row['mart']} ({row['as_of_date']})" for row in old])
        )
    behind = (now().date() - latest).days
    if behind > DEFAULT_DELAY_DAYS:
        return broken(
            f"all marts end on {latest}, {plural(behind, 'day')} ago: no order came since"
        )
    return ok(f"{plural(len(known), 'mart is', 'marts are')} of {latest}")


def judge_report(rows: Sequence[Row]) -> Verdict:
    """Judge the last look at the report from outside."""
    if not rows:
        return unknown("nobody has looked at the report yet: `marketing monitor probe`")
    last = max(row["probed_at"] for row in rows)
    rows = [r for r in rows if -AHEAD_HOURS <= hours_since(r["probed_at"]) <= MOST_PROBE_HOURS]
    if not rows:
        return unknown(
            f"the last look at the report is of {last:%Y-%m-%d %H:%M}: `marketing monitor probe`"
        )
    for row in rows:
        if not row["is_available"]:
            return broken(f"{row['target']} does not answer: {row['error'] or 'no reason given'}")
        if not row["is_fresh"]:
            return broken(
                f"{row['target']} is {plural((row['age_seconds'] or 0) / 3600, 'hour')} old"
            )
    pages = plural(len(rows), "page answers and is", "pages answer and are")
    return ok(f"{pages} fresh, at {rows[0]['probed_at']:%Y-%m-%d %H:%M}")


CHAIN = (
    Link(
        "platform delay", "freshness/platform_delay",
        "Have platforms that were read told the days they can tell?",
        "stg_ingest__freshness", judge_delay,
        "look at the platform's own report and status page: it is the platform that is late;"
        " the next sync reads these days again",
        "docs/runbooks/campaign-freshness.md",
    ),
    Link(
        "sync", "freshness/sync",
        "Was every source read in the last 36 hours, and wholly?",
        "stg_ingest__loads, stg_ingest__freshness", judge_sync,
        "run `marketing ingest doctor`, mend what it names, then `marketing ingest run`",
        "docs/runbooks/freshness.md",
    ),
    Link(
        "dbt run", "freshness/dbt_run",
        "Do the marts reach as far as what is loaded?",
        "int_ads__daily, stg_<shop>__orders, stg_ga4__events and their marts", judge_run,
        "look why the jobs did not run: `marketing jobs list`, then"
        " `marketing jobs run KEY --follow`",
        "docs/runbooks/job-runs.md", is_of_days=True,
    ),
    Link(
        "marts", "freshness/marts",
        "Are all marts of the same day, and of today?",
        "as_of_date and the last days of the marts", judge_marts,
        "run the job of the mart that is behind: `marketing jobs run KEY --follow`",
        "docs/runbooks/freshness.md", is_of_days=True,
    ),
    Link(
        "report", "freshness/report",
        "Does the report answer, and does it show this day?",
        "monitor_probes", judge_report,
        "publish and build the report again: see the runbook",
        "docs/runbooks/dashboard-sla.md",
    ),
)  # fmt: skip
