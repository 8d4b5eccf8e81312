"""Campaigns and automation e-mails, their reports, and what every recipient did.

Counters of a report are life-to-date: one snapshot per day is kept. Recipients and their
activity are read whole, and again once a counter of the report has changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from marketing_analytics.core.errors import TerminalError
from marketing_analytics.ingest.engine.answers import readable, records
from marketing_analytics.ingest.engine.backfill import Planned
from marketing_analytics.ingest.engine.governor import AccountError, BrokenAnswerError, Governor
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.persons import with_sender
from marketing_analytics.ingest.engine.tables import pluck, pluck_one
from marketing_analytics.ingest.engine.windows import Window
from marketing_analytics.ingest.platforms.mailchimp.choice import of_audiences
from marketing_analytics.ingest.platforms.mailchimp.lists import (
    fields_of,
    read_list,
    read_what_is_there,
    read_whole,
)
from marketing_analytics.ingest.platforms.mailchimp.tables import (
    AUTOMATION_EMAIL_PATHS,
    AUTOMATION_EMAILS,
    AUTOMATION_PATHS,
    AUTOMATIONS,
    CAMPAIGN_PATHS,
    CAMPAIGNS,
    EMAIL_ACTIVITY,
    REPORT_PATHS,
    REPORTS,
    SENT_TO,
    SENT_TO_PATHS,
    UNSUBSCRIBE_PATHS,
    UNSUBSCRIBES,
)

# what is read of a mailing belongs together
MAILINGS = "mailings"
# opens and clicks come in for weeks
LOOKBACK_DAYS = 90
# counters may lag behind: what was sent in these days is read in any case
RECENT_DAYS = 3
# of a campaign or an automation
AUDIENCE_PATH = "recipients.list_id"
# what tells that a recipient did something
COUNTER_PATHS = (
    *(path for name, path in REPORT_PATHS.items() if name != "campaign_id"),
    "opens.last_open",
    "clicks.last_click",
)


@dataclass(frozen=True)
class Mailing:
    """A sent campaign, or an automation e-mail, which is sent for ever (`sent_on` is None)."""

    campaign_id: str
    sent_on: date | None

    @property
    def window(self) -> Window | None:
        """Return the day that it was sent on."""
        return Window(self.sent_on, self.sent_on) if self.sent_on else None


def read_mailings(job: Job, governor: Governor, workers: int) -> None:
    """Read campaigns and automations, all reports, and the recipients of what has changed."""
    mailings = read_campaigns(job, governor) + read_automations(job, governor)
    due = [mailing for mailing in mailings if is_due(job, mailing)]
    planned = (Planned(MAILINGS, one.campaign_id, one.window) for one in due if one.window)
    if job.is_only_planned(planned):
        return
    job.plan(len(due))
    reports = read_reports(governor) if due else {}
    resting = [one for one in due if not is_changed(job, one, reports.get(one.campaign_id))]
    keep_reports(job, resting, [reports[mailing.campaign_id] for mailing in resting])
    changed = [mailing for mailing in due if mailing not in resting]

    def read_one(mailing: Mailing) -> None:
        read_mailing(job, governor, mailing, reports.get(mailing.campaign_id))

    job.each(changed, read_one, workers=workers)


def read_campaigns(job: Job, governor: Governor) -> list[Mailing]:
    """Load all campaigns; return those that were sent."""
    found = read_what_is_there(job, governor, "/campaigns", "campaigns")
    rows = of_audiences(job, found, AUDIENCE_PATH)
    job.add(CAMPAIGNS, with_sender(pluck(rows, CAMPAIGN_PATHS)), raw=rows)
    sent = [row for row in rows if row.get("send_time") and row.get("status") == "sent"]
    return readable(job, sent, "id", mailing_of, "campaign")


def mailing_of(row: Mapping[str, Any]) -> Mailing:
    """Return a sent campaign; raise AccountError where nobody can say when it was sent."""
    try:
        return Mailing(str(row["id"]), sent_day(row["send_time"]))
    except (KeyError, TypeError, ValueError):
        raise AccountError(f"its send_time is no time: {row.get('send_time')!r}") from None


def sent_day(text: str) -> date:
    """Return the UTC day of a time of the API."""
    return datetime.fromisoformat(text).date()


def read_automations(job: Job, governor: Governor) -> list[Mailing]:
    """Load automations and their e-mails; return the e-mails that were sent."""
    found = read_what_is_there(job, governor, "/automations", "automations")
    rows = of_audiences(job, found, AUDIENCE_PATH)
    job.add(AUTOMATIONS, pluck(rows, AUTOMATION_PATHS), raw=rows)
    emails: list[dict[str, Any]] = []
    known = [str(row["id"]) for row in rows if row.get("id")]

    def read_emails(automation_id: str) -> None:
        path = f"/automations/{automation_id}/emails"
        # one call, so no other thread comes between
        emails.extend(read_what_is_there(job, governor, path, "emails"))

    job.each(known, read_emails)
    emails.sort(key=lambda email: str(email.get("id")))
    job.add(AUTOMATION_EMAILS, with_sender(pluck(emails, AUTOMATION_EMAIL_PATHS)), raw=emails)
    return [
        Mailing(str(email["id"]), None)
        for email in emails
        if email.get("emails_sent") and email.get("id")
    ]


def is_due(job: Job, mailing: Mailing) -> bool:
    """Return whether a mailing is wanted and was not read after it came to rest."""
    if job.backfill:
        # of the account that a key belongs to; the id is the mailing's
        sent_on = mailing.sent_on
        return bool(sent_on and job.backfill.is_due(MAILINGS, mailing.campaign_id, sent_on))
    if mailing.sent_on is None:
        return True
    read_on = job.state.get("read_on", {}).get(mailing.campaign_id)
    if read_on is None or job.is_reread:
        return mailing.sent_on >= job.since
    return date.fromisoformat(read_on) - mailing.sent_on <= timedelta(days=LOOKBACK_DAYS)


def read_reports(governor: Governor) -> dict[str, dict[str, Any]]:
    """Return the reports that the list has, by campaign; what it lacks is asked for one by one."""
    params = fields_of("reports", [*REPORT_PATHS.values(), *COUNTER_PATHS])
    try:
        rows, _ = read_list(governor, "/reports", "reports", "id", params)
    except (TerminalError, BrokenAnswerError):
        return {}
    return {str(row["id"]): row for row in rows if row.get("id")}


def is_changed(job: Job, mailing: Mailing, report: Mapping[str, Any] | None) -> bool:
    """Return whether recipients may have done something since they were read."""
    if report is None or job.is_reread or job.backfill:
        return True
    if mailing.sent_on and job.now.date() - mailing.sent_on <= timedelta(days=RECENT_DAYS):
        return True
    known = job.state.get("counters", {}).get(mailing.campaign_id)
    return known is None or known != digest_of(report)


def digest_of(report: Mapping[str, Any]) -> str | None:
    """Return what stands for the counters of a report; None when it has none."""
    try:
        values = [pluck_one([report], path.split("."))[0] for path in COUNTER_PATHS]
    except AttributeError:
        # a text where an object belongs
        return None
    if all(value is None for value in values):
        return None
    return hashlib.sha256(orjson.dumps(values)).hexdigest()[:16]


def keep_reports(job: Job, mailings: Sequence[Mailing], reports: Sequence[dict[str, Any]]) -> None:
    """Keep today's reports of mailings of which nothing else has changed."""
    if not reports:
        return
    job.keep([report_piece(job, reports)], lambda: note(job, mailings, reports))
    job.done(len(reports))


def report_piece(job: Job, reports: Sequence[dict[str, Any]]) -> Piece:
    """Return the snapshots of today."""
    columns = pluck(reports, REPORT_PATHS) | {"snapshot_date": [job.now.date()] * len(reports)}
    return Piece(REPORTS, columns, reports)


def note(job: Job, mailings: Sequence[Mailing], reports: Sequence[Mapping[str, Any]]) -> None:
    """Note that these mailings were read today, and at which counters."""
    today = job.now.date()
    for mailing, report in zip(mailings, reports, strict=True):
        campaign_id = mailing.campaign_id
        job.state.setdefault("read_on", {})[campaign_id] = today.isoformat()
        job.state.setdefault("counters", {})[campaign_id] = digest_of(report)
        job.note_read(MAILINGS)
        job.note_read(MAILINGS, campaign_id=campaign_id)
        if job.backfill and mailing.window:
            job.backfill.mark(MAILINGS, campaign_id, mailing.window, today)


def read_mailing(
    job: Job, governor: Governor, mailing: Mailing, report: dict[str, Any] | None
) -> None:
    """Read report, recipients, activity and unsubscribes of one mailing; all or nothing.

    The report comes first: what happens in between changes its counters for the next run.
    """
    campaign_id = mailing.campaign_id
    path, parts = f"/reports/{campaign_id}", ((campaign_id,),)
    found = governor.get(path) if report is None else report
    sent = read_whole(governor, f"{path}/sent-to", "sent_to", "email_id")
    active = read_whole(governor, f"{path}/email-activity", "emails", "email_id")
    gone = read_whole(governor, f"{path}/unsubscribed", "unsubscribes", "email_id")
    pieces = [
        Piece(SENT_TO, of_mailing(campaign_id, pluck(sent, SENT_TO_PATHS)), sent, parts),
        Piece(UNSUBSCRIBES, of_mailing(campaign_id, pluck(gone, UNSUBSCRIBE_PATHS)), gone, parts),
        Piece(EMAIL_ACTIVITY, of_mailing(campaign_id, activity_columns(active)), None, parts),
        report_piece(job, [found]),
    ]
    job.keep(pieces, lambda: note(job, [mailing], [{**found, "id": campaign_id}]))
    job.done()


def of_mailing(campaign_id: str, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return columns whose rows are of the mailing that was asked for where they say nothing."""
    columns["campaign_id"] = [found or campaign_id for found in columns["campaign_id"]]
    return columns


def activity_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return one row per activity; `activity_index` counts them per recipient from 0."""
    found = [
        (row, index, activity)
        for row in rows
        for index, activity in enumerate(records(row, "activity", "email-activity"))
    ]
    return {
        "campaign_id": [row.get("campaign_id") for row, _, _ in found],
        "email_id": [row.get("email_id") for row, _, _ in found],
        "email_address": [row.get("email_address") for row, _, _ in found],
        "action": [activity.get("action") for _, _, activity in found],
        "activity_type": [activity.get("type") or "" for _, _, activity in found],
        "activity_at": [activity.get("timestamp") for _, _, activity in found],
        "url": [activity.get("url") for _, _, activity in found],
        "activity_index": [index for _, index, _ in found],
    }
