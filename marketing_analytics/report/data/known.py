"""To which day a number is known: its sources may end before the days that are shown."""

from __future__ import annotations

from datetime import date

from marketing_analytics.report.numbers.definitions import Metric
from marketing_analytics.report.snapshots.snapshot import Snapshot

# the published table of a mart, and its days
DAYS = {
    "fct_conversions": "order_days",
    "fct_campaign_performance": "campaign_days",
    "rpt_attribution_days": "rpt_attribution_days",
}
RECENT_DAYS = 28
# a platform that spends is read to its own day: the one that is furthest behind counts
SPENDING_SQL = """
select min(last_day) as known_to
from (
    select read.source, max(read.last_day) as last_day
    from stg_ingest__freshness as read
    where
        read.last_day is not null
        and read.source in (
            select platform from campaign_days where day_date > $last - $days and spend_usd > 0
        )
    group by read.source
)
"""


def known_to(snapshot: Snapshot) -> dict[str, date]:
    """Return the last known day of the marts that numbers are made of, by the name of the mart."""
    found = {
        mart: snapshot.one(f"select max(day_date) from {table}")  # noqa: S608
        for mart, table in DAYS.items()
    }
    if snapshot.has("stg_ingest__freshness"):
        read = snapshot.one(SPENDING_SQL, last=snapshot.last_day, days=RECENT_DAYS)
        if read is not None:
            found["fct_campaign_performance"] = read
    return {mart: min(day, snapshot.last_day) for mart, day in found.items() if day is not None}


def metric_known_to(metric: Metric, known: dict[str, date]) -> date | None:
    """Return to which day a number is known; None where a part of it is not known at all."""
    days = [known.get(mart) for mart in metric.models if mart in DAYS]
    return min((day for day in days if day is not None), default=None) if all(days) else None
