"""Visits whose names no rule of the channels knows, while they still come.

A name is told of when it has some visits and a share of the traffic since it was first seen; stray
links of a visit or two are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from marketing_analytics.monitor.check import MOST_DAYS, Check, Finding, Look, Threshold
from marketing_analytics.web.words import plural

ACTION = "add a rule to the seed channel_rules (docs/campaign-tracking.md) and build attribution"


def look(seen: Look) -> Iterator[Finding]:
    """Yield names that no rule knows."""
    first = seen.as_of - timedelta(days=int(seen.thresholds["days"]))
    told = 0
    rows = seen.rows("unmapped_traffic", first, seen.as_of)
    for row in rows:
        share = 100 * row["sessions"] / max(float(row["all_sessions"] or 0), 1.0)
        limit = seen.thresholds["share_percent"]
        if row["sessions"] < seen.thresholds["sessions"] or share < limit:
            continue
        told += 1
        yield Finding(
            f"{row['traffic_source']} / {row['traffic_medium']}",
            "failing",
            f"{plural(row['sessions'], 'visit')} of source {row['traffic_source']} and medium"
            f" {row['traffic_medium']} without a channel ({row['reason']}): {share:.1f} % of the"
            f" traffic, {float(row['revenue_usd']):,.0f} {seen.currency} of revenue",
            ACTION,
            value=share,
            lower=0.0,
            upper=limit,
            since=row["first_session_date"],
        )
    few = len(rows) - told
    yield Finding(
        "",
        "ok",
        f"{plural(few, 'unknown name')} of few visits" if few else "every visit has a rule",
    )


CHECK = Check(
    name="unmapped_channels",
    title="every name of traffic has a channel",
    severity="ticket",
    tables=("rpt_unmapped_traffic", "int_web__sessions"),
    look=look,
    thresholds={
        "sessions": Threshold(10, "Visits from which on a name is told of.", minimum=1),
        "share_percent": Threshold(0.5, "Share of the traffic from which on it is told of."),
        "days": Threshold(7, "Days in which it was seen last.", minimum=1, maximum=MOST_DAYS),
    },
)
