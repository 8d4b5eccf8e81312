"""What the watch says: monitors, freshness of the sources, the page's own service level, syncs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketing_analytics.report.snapshots.snapshot import Snapshot
from marketing_analytics.web.words import plural

LOADS = 40
SLI_DAYS = 28
OBJECTIVE = 0.999
# worst first: tone, and the words for one and for many
ALARMS = {
    "failing": ("error", ("fails", "fail")),
    "warning": ("warn", ("warns", "warn")),
    "unknown": ("cancelled", ("cannot tell", "cannot tell")),
}

RESULTS_SQL = """
select
    monitor, kind, subject, status, severity, owner, runbook, value, lower_bound, upper_bound,
    since_at, checked_at, sentence, action
from monitor_results
-- monitors may be run one by one: the last look at each
where (monitor, run_id) in (select monitor, max(run_id) from monitor_results group by monitor)
order by
    case status
        when 'failing' then 0 when 'warning' then 1 when 'unknown' then 2
        when 'announced' then 3 when 'moving' then 4 else 5
    end,
    monitor, subject
"""
FRESHNESS_SQL = """
with

names as (

    select platform, campaign_id, max(campaign_name) as campaign_name
    from campaign_days
    group by platform, campaign_id

)

select
    read.source,
    read.report,
    read.account_id,
    read.campaign_id,
    names.campaign_name,
    read.last_day,
    read.last_row_day,
    read.read_at
from stg_ingest__freshness as read
left join names on read.source = names.platform and read.campaign_id = names.campaign_id
where read.last_day is not null
order by read.source, read.report, read.account_id, read.campaign_id
"""
LOADS_SQL = """
select source, status, row_count, rejected_count, started_at, finished_at, error_messages
from stg_ingest__loads
order by started_at desc, source
limit $limit
"""
# a probe counts until the next one of its page, five minutes at most: a gap is unknown, not good
PROBES_SQL = """
with

probes as (

    select
        coalesce(target, '') as target,
        probed_at,
        is_available,
        is_fresh,
        date_diff(
            'second',
            probed_at,
            lead(probed_at) over (partition by coalesce(target, '') order by probed_at)
        ) / 60.0 as minutes
    from monitor_probes
    -- what was probed long ago says nothing of the days that are shown
    where
        probed_at
        > greatest((select max(probed_at) from monitor_probes), cast($today as timestamp))
        - interval (cast($days as int)) day

)

select
    target,
    cast(probed_at as date) as day_date,
    sum(least(minutes, 5)) as known_minutes,
    sum(case when is_available then least(minutes, 5) end) as available_minutes,
    sum(case when is_fresh then least(minutes, 5) end) as fresh_minutes
from probes
-- the last one says nothing of what comes
where minutes is not null
group by target, day_date
order by target, day_date
"""


def health(snapshot: Snapshot) -> dict[str, Any]:
    """Return the data of the page; a list that nobody fills is None."""
    return {
        "monitors": told(snapshot, RESULTS_SQL, "monitor_results", "monitor_runs"),
        "freshness": told(snapshot, FRESHNESS_SQL, "stg_ingest__freshness"),
        "loads": told(snapshot, LOADS_SQL, "stg_ingest__loads", limit=LOADS),
        "probes": told(
            snapshot, PROBES_SQL, "monitor_probes", days=SLI_DAYS, today=snapshot.as_of_date
        ),
        "probed_days": SLI_DAYS,
        "objective": OBJECTIVE,
        "missing": snapshot.about["missing"],
    }


def watch(snapshot: Snapshot) -> dict[str, Any] | None:
    """Return what the last look at each monitor said, in one line; None where none has run."""
    rows = told(snapshot, RESULTS_SQL, "monitor_results", "monitor_runs")
    if not rows:
        return None
    watched = len({row["monitor"] for row in rows})
    monitors = plural(watched, "monitor")
    for status, (tone, word) in ALARMS.items():
        count = len({row["monitor"] for row in rows if row["status"] == status})
        if count:
            return {"tone": tone, "words": f"{count} of {monitors} {word[count > 1]}"}
    return {"tone": "success", "words": f"All {monitors} fine" if watched > 1 else "1 monitor fine"}


def told(snapshot: Snapshot, sql: str, *tables: str, **values: Any) -> list[dict[str, Any]] | None:
    """Return the rows of a statement as JSON; None where its tables are not there."""
    if not snapshot.has(*tables):
        return None
    return [
        {
            name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in snapshot.rows(sql, **values)
    ]
