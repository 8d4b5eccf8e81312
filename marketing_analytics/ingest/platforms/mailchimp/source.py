"""Mailchimp: campaigns, classic automations, their reports, and what every recipient did.

Counters of a report are life-to-date: one snapshot per day is kept. Recipients' activity is
read whole for every campaign that can still change. Automation e-mails are campaigns too:
their id is used like a campaign id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.errors import (
    AuthError,
    RemoteError,
    TransientError,
    UserError,
)
from marketing_analytics.ingest.engine.governor import BrokenAnswerError, Governor
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import Table, pluck

if TYPE_CHECKING:
    import httpx

# opens and clicks come in for weeks
LOOKBACK_DAYS = 90
PAGE_SIZE = 1000
# Mailchimp allows ten connections per user; two are left to the others
MAX_CONNECTIONS = 8
READ_ATTEMPTS = 3

CAMPAIGNS = Table(
    "campaigns",
    {
        "campaign_id": "text",
        "type": "text",
        "status": "text",
        "list_id": "text",
        "subject_line": "text",
        "title": "text",
        "send_at": "time",
        "created_at": "time",
        "emails_sent": "count",
    },
    key=("campaign_id",),
)
REPORTS = Table(
    "reports",
    {
        "campaign_id": "text",
        "snapshot_date": "date",
        "emails_sent": "count",
        "hard_bounces": "count",
        "soft_bounces": "count",
        "opens_total": "count",
        "unique_opens": "count",
        "proxy_excluded_opens": "count",
        "proxy_excluded_unique_opens": "count",
        "clicks_total": "count",
        "unique_subscriber_clicks": "count",
        "unsubscribed": "count",
        "abuse_reports": "count",
    },
    key=("campaign_id", "snapshot_date"),
)
EMAIL_ACTIVITY = Table(
    "email_activity",
    {
        "campaign_id": "text",
        "email_id": "text",
        "email_address": "text",
        "action": "text",
        "activity_type": "text",
        "activity_at": "time",
        "url": "text",
        "activity_index": "count",
    },
    key=("campaign_id", "email_id", "activity_index"),
    mode="parts",
    part_by=("campaign_id",),
)
SENT_TO = Table(
    "sent_to",
    {
        "campaign_id": "text",
        "email_id": "text",
        "email_address": "text",
        "status": "text",
        "open_count": "count",
        "last_open_at": "time",
    },
    key=("campaign_id", "email_id"),
    mode="parts",
    part_by=("campaign_id",),
)
UNSUBSCRIBES = Table(
    "unsubscribes",
    {
        "campaign_id": "text",
        "email_id": "text",
        "email_address": "text",
        "unsubscribed_at": "time",
        "reason": "text",
    },
    key=("campaign_id", "email_id"),
    mode="parts",
    part_by=("campaign_id",),
)
AUTOMATIONS = Table(
    "automations",
    {
        "automation_id": "text",
        "title": "text",
        "status": "text",
        "list_id": "text",
        "created_at": "time",
        "started_at": "time",
        "emails_sent": "count",
    },
    key=("automation_id",),
)
AUTOMATION_EMAILS = Table(
    "automation_emails",
    {
        "email_campaign_id": "text",
        "automation_id": "text",
        "position": "count",
        "title": "text",
        "subject_line": "text",
        "status": "text",
        "delay_amount": "count",
        "delay_type": "text",
        "emails_sent": "count",
    },
    key=("email_campaign_id",),
)
TABLES = (
    CAMPAIGNS,
    REPORTS,
    EMAIL_ACTIVITY,
    SENT_TO,
    UNSUBSCRIBES,
    AUTOMATIONS,
    AUTOMATION_EMAILS,
)

CAMPAIGN_PATHS = {
    "campaign_id": "id",
    "type": "type",
    "status": "status",
    "list_id": "recipients.list_id",
    "subject_line": "settings.subject_line",
    "title": "settings.title",
    "send_at": "send_time",
    "created_at": "create_time",
    "emails_sent": "emails_sent",
}
REPORT_PATHS = {
    "campaign_id": "id",
    "emails_sent": "emails_sent",
    "hard_bounces": "bounces.hard_bounces",
    "soft_bounces": "bounces.soft_bounces",
    "opens_total": "opens.opens_total",
    "unique_opens": "opens.unique_opens",
    "proxy_excluded_opens": "opens.proxy_excluded_opens",
    "proxy_excluded_unique_opens": "opens.proxy_excluded_unique_opens",
    "clicks_total": "clicks.clicks_total",
    "unique_subscriber_clicks": "clicks.unique_subscriber_clicks",
    "unsubscribed": "unsubscribed",
    "abuse_reports": "abuse_reports",
}
SENT_TO_PATHS = {
    "campaign_id": "campaign_id",
    "email_id": "email_id",
    "email_address": "email_address",
    "status": "status",
    "open_count": "open_count",
    "last_open_at": "last_open",
}
UNSUBSCRIBE_PATHS = {
    "campaign_id": "campaign_id",
    "email_id": "email_id",
    "email_address": "email_address",
    "unsubscribed_at": "timestamp",
    "reason": "reason",
}
AUTOMATION_PATHS = {
    "automation_id": "id",
    "title": "settings.title",
    "status": "status",
    "list_id": "recipients.list_id",
    "created_at": "create_time",
    "started_at": "start_time",
    "emails_sent": "emails_sent",
}
AUTOMATION_EMAIL_PATHS = {
    "email_campaign_id": "id",
    "automation_id": "workflow_id",
    "position": "position",
    "title": "settings.title",
    "subject_line": "settings.subject_line",
    "status": "status",
    "delay_amount": "delay.amount",
    "delay_type": "delay.type",
    "emails_sent": "emails_sent",
}


@dataclass(frozen=True)
class Mailing:
    """A sent campaign, or an automation e-mail, which is sent for ever (`sent_on` is None)."""

    campaign_id: str
    sent_on: date | None


def collect(job: Job) -> None:
    """Read campaigns and automations, then every mailing that may have changed."""
    governor = Governor(
        "Mailchimp",
        base_url(job.settings),
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers=access_headers(job.setting("MAILCHIMP_API_KEY")),
        max_connections=MAX_CONNECTIONS,
    )
    try:
        mailings = read_campaigns(job, governor) + read_automations(job, governor)
        due = [mailing for mailing in mailings if is_due(job, mailing)]
        job.plan(len(due))
        job.each(due, lambda one: read_mailing(job, governor, one), workers=MAX_CONNECTIONS)
    finally:
        governor.close()


def base_url(settings: Mapping[str, str]) -> str:
    """Return the address of the API; the key names its data centre after the last dash."""
    if given := settings.get("MAILCHIMP_BASE_URL"):
        return given
    data_centre = settings.get("MAILCHIMP_API_KEY", "").rpartition("-")[2]
    if not data_centre.isalnum() or len(data_centre) > 8:
        raise UserError(
            "MAILCHIMP_API_KEY does not end with its data centre",
            hint="copy the whole key, it ends like -us21, or set MAILCHIMP_BASE_URL",
        )
    return f"https://{data_centre}.api.mailchimp.com/3.0"


def access_headers(api_key: str) -> dict[str, str]:
    """Return the headers of a call; any user name goes with the key."""
    import base64

    code = base64.b64encode(f"marketing:{api_key}".encode()).decode()
    return {"Authorization": f"Basic {code}"}


def read_campaigns(job: Job, governor: Governor) -> list[Mailing]:
    """Load all campaigns; return those that were sent."""
    rows = read_list(governor, "/campaigns", "campaigns", "id")
    job.add(CAMPAIGNS, pluck(rows, CAMPAIGN_PATHS), raw=rows)
    return [
        Mailing(row["id"], sent_day(row["send_time"]))
        for row in rows
        if row.get("send_time") and row.get("status") == "sent"
    ]


def read_automations(job: Job, governor: Governor) -> list[Mailing]:
    """Load automations and their e-mails; return the e-mails that were sent."""
    rows = read_list(governor, "/automations", "automations", "id")
    job.add(AUTOMATIONS, pluck(rows, AUTOMATION_PATHS), raw=rows)
    emails = [
        email
        for row in rows
        for email in read_list(governor, f"/automations/{row['id']}/emails", "emails", "id")
    ]
    job.add(AUTOMATION_EMAILS, pluck(emails, AUTOMATION_EMAIL_PATHS), raw=emails)
    return [Mailing(email["id"], None) for email in emails if email.get("emails_sent")]


def is_due(job: Job, mailing: Mailing) -> bool:
    """Return whether a mailing is wanted and was not read after it came to rest."""
    if mailing.sent_on is None:
        return True
    read_on = job.state.get("read_on", {}).get(mailing.campaign_id)
    if read_on is None or job.is_reread:
        return mailing.sent_on >= job.since
    return date.fromisoformat(read_on) - mailing.sent_on <= timedelta(days=LOOKBACK_DAYS)


def read_mailing(job: Job, governor: Governor, mailing: Mailing) -> None:
    """Read report, recipients, activity and unsubscribes of one mailing."""
    campaign_id = mailing.campaign_id
    path, parts = f"/reports/{campaign_id}", [(campaign_id,)]
    report = governor.get(path)
    sent = read_list(governor, f"{path}/sent-to", "sent_to", "email_id")
    active = read_list(governor, f"{path}/email-activity", "emails", "email_id")
    gone = read_list(governor, f"{path}/unsubscribed", "unsubscribes", "email_id")
    activity = activity_columns(active)
    for table, paths, rows in (
        (SENT_TO, SENT_TO_PATHS, sent),
        (UNSUBSCRIBES, UNSUBSCRIBE_PATHS, gone),
    ):
        columns = pluck(rows, paths) | {"campaign_id": [campaign_id] * len(rows)}
        job.add(table, columns, raw=rows, parts=parts)
    activity["campaign_id"] = [campaign_id] * len(activity["email_id"])
    job.add(EMAIL_ACTIVITY, activity, parts=parts)
    snapshot = pluck([report], REPORT_PATHS) | {"snapshot_date": [job.now.date()]}
    job.add(REPORTS, snapshot, raw=[report])
    job.state.setdefault("read_on", {})[campaign_id] = job.now.date().isoformat()
    job.done()


def activity_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return one row per activity; `activity_index` counts them per recipient from 0."""
    found = [
        (row, index, activity)
        for row in rows
        for index, activity in enumerate(row.get("activity") or ())
    ]
    return {
        "email_id": [row.get("email_id") for row, _, _ in found],
        "email_address": [row.get("email_address") for row, _, _ in found],
        "action": [activity.get("action") for _, _, activity in found],
        "activity_type": [activity.get("type") or "" for _, _, activity in found],
        "activity_at": [activity.get("timestamp") for _, _, activity in found],
        "url": [activity.get("url") for _, _, activity in found],
        "activity_index": [index for _, index, _ in found],
    }


def read_list(governor: Governor, path: str, name: str, key: str) -> list[dict[str, Any]]:
    """Return a whole list, every element once.

    Offsets shift when the list changes while it is read: doubles are dropped, and when
    elements are missing at the end the list is read again.
    """
    for _ in range(READ_ATTEMPTS):
        by_key: dict[Any, dict[str, Any]] = {}
        total = 0
        for page in pages(governor, path, name):
            total = int(page.get("total_items") or 0)
            # an element without a key counts too: it is rejected with its reason later
            by_key |= {row.get(key) or id(row): row for row in page.get(name, ())}
        if len(by_key) >= total:
            return list(by_key.values())
    raise BrokenAnswerError(
        f"Mailchimp gave {len(by_key)} of {total} elements of {path}",
        hint="the list changes while it is read; run again",
    )


def pages(governor: Governor, path: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the pages of a list; the count of elements is in each."""
    offset = 0
    while True:
        page = governor.get(path, {"count": PAGE_SIZE, "offset": offset})
        yield page
        offset += len(page.get(name, ()))
        if not page.get(name) or offset >= int(page.get("total_items") or 0):
            return


def sent_day(text: str) -> date:
    """Return the UTC day of a time of the API."""
    return datetime.fromisoformat(text).date()


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what a refusal of Mailchimp means.

    Too many connections give 429, and sometimes 403 or 503 with a page instead of JSON.
    """
    status = response.status_code
    is_json = "json" in response.headers.get("Content-Type", "")
    if status == 403 and not is_json:
        return TransientError("Mailchimp refused: too many requests", status_code=status)
    if status not in {401, 403}:
        return None
    return AuthError(
        f"Mailchimp refused: {response.json().get('title', 'no access')}",
        hint="check MAILCHIMP_API_KEY",
        status_code=status,
    )


SOURCE = Source(
    tables=TABLES,
    settings=("MAILCHIMP_API_KEY",),
    optional_settings=("MAILCHIMP_BASE_URL",),
    collect=collect,
)
