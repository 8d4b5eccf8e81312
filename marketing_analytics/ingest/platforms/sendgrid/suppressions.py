"""The lists of addresses that get no mail: read whole, since only so a removal is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marketing_analytics.ingest.engine.answers import records
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.tables import pluck
from marketing_analytics.ingest.platforms.sendgrid.lists import read_list
from marketing_analytics.ingest.platforms.sendgrid.tables import SUPPRESSIONS
from marketing_analytics.ingest.platforms.sendgrid.values import time_of, without_addresses

# the most that is documented
PAGE_SIZE = 500
PATHS = {
    "bounce": "/suppression/bounces",
    "block": "/suppression/blocks",
    "invalid_email": "/suppression/invalid_emails",
    "spam_report": "/suppression/spam_reports",
    "unsubscribe": "/suppression/unsubscribes",
    "group_unsubscribe": "/asm/suppressions",
}
COLUMNS = {
    "group_name": "group_name",
    "email_address": "email",
    "status": "status",
    "ip_address": "ip",
}


def read_suppressions(job: Job, governor: Governor, account_id: str, suppression_type: str) -> None:
    """Replace one list of an account."""
    job.plan(1)
    path = PATHS[suppression_type]
    if suppression_type == "group_unsubscribe":
        # this list has no pages
        rows = records(governor.get(path), "", path)
    else:
        # what is added from now on waits for the next run, and moves no offset
        asked = {"start_time": 0, "end_time": int(job.now.timestamp())}
        rows = read_list(governor, path, asked, PAGE_SIZE)
    columns = suppression_columns(account_id, suppression_type, rows)
    parts = ((account_id, suppression_type),)
    job.keep([Piece(SUPPRESSIONS, columns, rows, parts)])
    job.done()


def suppression_columns(
    account_id: str, suppression_type: str, rows: Sequence[Mapping[str, Any]]
) -> dict[str, list[Any]]:
    """Return the columns of SUPPRESSIONS."""
    times = [row.get("created", row.get("created_at")) for row in rows]
    groups = [row.get("group_id") for row in rows]
    return {
        "account_id": [account_id] * len(rows),
        "suppression_type": [suppression_type] * len(rows),
        # a part of the key: only one of the lists has groups
        "group_id": ["" if group is None else group for group in groups],
        "created_at": [time_of(value) for value in times],
        "reason": [without_addresses(row.get("reason")) for row in rows],
        **pluck(rows, COLUMNS),
    }
