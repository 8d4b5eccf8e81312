"""Campaigns, e-mails with a daily snapshot of their statistics, workflows: short, whole lists."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from marketing_analytics.ingest.engine.answers import part, records
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.persons import with_sender
from marketing_analytics.ingest.engine.tables import pluck
from marketing_analytics.ingest.platforms.hubspot.lists import Record, add_whole, whole_list
from marketing_analytics.ingest.platforms.hubspot.tables import (
    CAMPAIGN_PROPERTIES,
    CAMPAIGNS,
    COUNTERS,
    DEAL_STAGES,
    EMAIL_PATHS,
    EMAIL_STATISTICS,
    EMAILS,
    OBJECT_TYPES,
    OWNER_PATHS,
    OWNERS,
    PROPERTIES,
    PROPERTY_PATHS,
    WORKFLOW_EMAIL_PATHS,
    WORKFLOW_EMAILS,
    WORKFLOW_PATHS,
    WORKFLOWS,
    property_columns,
    typed,
)

PAGE = 100
# opens and clicks of an e-mail come for so long
LOOKBACK_DAYS = 90


def read_properties(job: Job, governor: Governor) -> None:
    """Read which properties the account has."""
    found = []
    for kind in OBJECT_TYPES:
        rows = whole_list(governor, f"/crm/v3/properties/{kind.name}", {})
        found += [{**row, "object_type": kind.name} for row in rows]
    columns = pluck(found, {"object_type": "object_type", **PROPERTY_PATHS})
    add_whole(job, PROPERTIES, columns, found)


def read_owners(job: Job, governor: Governor) -> None:
    """Read who owns records, those who left included."""
    rows = with_archived(governor, "/crm/v3/owners", {"limit": PAGE})
    add_whole(job, OWNERS, pluck(rows, OWNER_PATHS), rows)


def read_deal_stages(job: Job, governor: Governor) -> None:
    """Read the pipelines of deals and their stages."""
    path = "/crm/v3/pipelines/deals"
    found = [
        (pipeline, stage, part(stage, "metadata", path))
        for pipeline in whole_list(governor, path, {})
        for stage in records(pipeline, "stages", path)
    ]
    columns = {
        "pipeline_id": [pipeline.get("id") for pipeline, _, _ in found],
        "pipeline_label": [pipeline.get("label") for pipeline, _, _ in found],
        "pipeline_order": [pipeline.get("displayOrder") for pipeline, _, _ in found],
        "stage_id": [stage.get("id") for _, stage, _ in found],
        "stage_label": [stage.get("label") for _, stage, _ in found],
        "stage_order": [stage.get("displayOrder") for _, stage, _ in found],
        "probability": [typed(meta.get("probability"), "fraction") for _, _, meta in found],
        "is_closed": [typed(meta.get("isClosed"), "flag") for _, _, meta in found],
        "is_archived": [
            bool(pipeline.get("archived") or stage.get("archived")) for pipeline, stage, _ in found
        ],
    }
    add_whole(job, DEAL_STAGES, columns, [stage for _, stage, _ in found])


def read_campaigns(job: Job, governor: Governor) -> None:
    """Read the campaigns with budget and spend as the account states them."""
    path = "/marketing/v3/campaigns"
    params = {"limit": PAGE, "properties": ",".join(CAMPAIGN_PROPERTIES.values())}
    rows = whole_list(governor, path, params)
    columns = property_columns(CAMPAIGNS, CAMPAIGN_PROPERTIES, rows, path) | pluck(
        rows, {"campaign_id": "id", "created_at": "createdAt", "updated_at": "updatedAt"}
    )
    add_whole(job, CAMPAIGNS, columns, rows)


def read_emails(job: Job, governor: Governor) -> None:
    """Read the e-mails, and today's snapshot of those that may still be opened."""
    path = "/marketing/v3/emails"
    rows = with_archived(governor, path, {"limit": PAGE, "includeStats": "true"})
    senders = [part(row, "from", path).get("replyTo") for row in rows]
    columns = with_sender(pluck(rows, EMAIL_PATHS) | {"sender_domain": senders})
    add_whole(job, EMAILS, columns, rows)
    due = [row for row in rows if is_due(job, row)]
    counters = [part(part(row, "stats", path), "counters", path) for row in due]
    counted = {column: [one.get(name) for one in counters] for column, name in COUNTERS.items()}
    counted["email_id"] = [row.get("id") for row in due]
    counted["snapshot_date"] = [job.now.date()] * len(due)
    today = job.now.date().isoformat()
    read = {str(row.get("id")): today for row in due}
    job.keep(
        [Piece(EMAIL_STATISTICS, counted, due)],
        lambda: job.state.setdefault("statistics_read_on", {}).update(read),
    )


def is_due(job: Job, row: Record) -> bool:
    """Return whether an e-mail was sent, and not read after it came to rest."""
    published = row.get("publishedAt")
    if not published:
        return False
    read_on = job.state.get("statistics_read_on", {}).get(str(row.get("id")))
    if read_on is None or job.is_reread or str(row.get("state")).startswith("AUTOMATED"):
        return True
    try:
        published_on = datetime.fromisoformat(str(published)).date()
    except ValueError:
        return True
    return date.fromisoformat(read_on) - published_on <= timedelta(days=LOOKBACK_DAYS)


def read_workflows(job: Job, governor: Governor) -> None:
    """Read the workflows, and which e-mails they send."""
    path = "/automation/v4/flows"
    rows = whole_list(governor, path, {"limit": PAGE})
    mails = whole_list(governor, f"{path}/email-campaigns", {"limit": PAGE})
    add_whole(job, WORKFLOWS, pluck(rows, WORKFLOW_PATHS), rows)
    add_whole(job, WORKFLOW_EMAILS, pluck(mails, WORKFLOW_EMAIL_PATHS), mails)


def with_archived(governor: Governor, path: str, params: dict[str, Any]) -> list[Record]:
    """Return a list and its archived elements; one that changed in between counts as it is now."""
    found: dict[Any, Record] = {}
    for is_archived in ("true", "false"):
        for row in whole_list(governor, path, params | {"archived": is_archived}):
            # without an id it is rejected later, with its reason
            found[row.get("id") or id(row)] = row
    return list(found.values())
