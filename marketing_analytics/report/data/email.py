"""What the page of e-mail shows: mails, who reads them, lists, and flows with their uplift."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marketing_analytics.report.data.series import packed, plain
from marketing_analytics.report.snapshots.snapshot import Snapshot

TABLES = {
    "breakdowns": (
        "email_breakdowns",
        "from email_breakdowns order by breakdown, platform, delivered desc, cell",
    ),
    "frequency": ("email_frequency", "from email_frequency order by platform, most"),
    "lists": (
        "email_list_months",
        "from email_list_months order by platform, audience_id, month_date",
    ),
    "flows": (
        "automation_flows",
        "from automation_flows order by platform, automation_title, automation_id",
    ),
    "steps": (
        "automation_steps",
        "from automation_steps order by platform, automation_title, automation_id, step_position",
    ),
}
CAMPAIGNS = """
select *, day_date - cast($first as date) as day
from email_campaigns order by day_date desc, platform, campaign_id
"""


def email_data(snapshot: Snapshot, _defaults: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield the page's file."""
    yield "email", email(snapshot)


def email(snapshot: Snapshot) -> dict[str, Any]:
    """Return every table of the page; one that was not built is left out."""
    found: dict[str, Any] = {
        name: plain(snapshot.rows(statement))
        for name, (table, statement) in TABLES.items()
        if snapshot.has(table)
    }
    if snapshot.has("email_campaigns"):
        rows = snapshot.rows(CAMPAIGNS, first=snapshot.first_day)
        found["campaigns"] = packed(rows)
    return found
