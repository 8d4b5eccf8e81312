"""What hold-outs measured: ads that rested in some regions, mails that some members did not get."""

from __future__ import annotations

from itertools import groupby
from math import exp, hypot
from typing import Any

from marketing_analytics.report.data.series import with_numbers
from marketing_analytics.report.snapshots.snapshot import Snapshot

MINIMUM_MEMBERS = 10
REGIONS_SQL = """
select
    channel,
    pause_name as name,
    strftime(first_date, '%Y-%m-%d') as first,
    strftime(last_date, '%Y-%m-%d') as last,
    hold_out_status as status,
    is_over,
    regions_held_out,
    regions_kept,
    held_out_before,
    held_out_during,
    kept_before,
    kept_during,
    spend_share,
    log_change,
    log_reach,
    caused_share as share,
    caused_share_lower as low,
    caused_share_upper as high
from hold_outs
order by channel nulls last, pause_name, first_date, last_date
"""
FLOWS_SQL = """
select
    platform,
    coalesce(automation_title, automation_id) as name,
    members_written,
    members_held_out,
    attributed_revenue_usd,
    uplift_per_member_usd,
    uplift_error_usd,
    uplift_usd
from rpt_automation_flows
where uplift_usd is not null and uplift_error_usd is not null
    and members_written >= $minimum and members_held_out >= $minimum
order by attributed_revenue_usd desc nulls last, name
"""


def flow_hold_outs(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the flows of mail that were held back from some members."""
    if not snapshot.has("rpt_automation_flows"):
        return []
    return [with_numbers(row) for row in snapshot.rows(FLOWS_SQL, minimum=MINIMUM_MEMBERS)]


def region_hold_outs(snapshot: Snapshot) -> dict[str, list[dict[str, Any]]]:
    """Return the pauses of ads in some regions, and what they say of channels."""
    rows = (
        [with_numbers(row) for row in snapshot.rows(REGIONS_SQL)]
        if snapshot.has("hold_outs")
        else []
    )
    known = [row for row in rows if row["status"] == "estimated"]
    return {
        "tests": rows,
        "channels": [
            of_channel(str(channel), list(mine))
            for channel, mine in groupby(known, key=lambda row: row["channel"])
        ],
    }


def of_channel(channel: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a channel causes: its parts, each tested apart, put together.

    What is left without two parts is what is left without one, times what is left without the
    other; tests of the same part are weighted by how much each tells.
    """
    change = reach = spend_share = 0.0
    for _, same in groupby(rows, key=lambda row: row["name"]):
        tests = list(same)
        weights = [row["log_reach"] ** -2 for row in tests]
        change += sum(
            row["log_change"] * weight for row, weight in zip(tests, weights, strict=True)
        ) / sum(weights)
        reach = hypot(reach, sum(weights) ** -0.5)
        # the same campaigns rest again
        spend_share += max(row["spend_share"] or 0.0 for row in tests)
    return {
        "channel": channel,
        "tests": len(rows),
        "spend_share": min(1.0, spend_share),
        "share": 1 - exp(change),
        "low": 1 - exp(change + reach),
        "high": 1 - exp(change - reach),
    }
