"""Mailchimp: campaigns, classic automations, their reports, and what every recipient did.

Counters of a report are life-to-date: one snapshot per day is kept. Recipients' activity is
read whole for every campaign that can still change. Automation e-mails are campaigns too:
their id is used like a campaign id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.errors import (
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
    UserError,
)
from marketing_analytics.ingest.engine.answers import (
    EndlessListError,
    readable,
    records,
    whole_number,
)
from marketing_analytics.ingest.engine.backfill import Planned
from marketing_analytics.ingest.engine.governor import AccountError, Governor
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import pluck
from marketing_analytics.ingest.engine.windows import Window
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
    TABLES,
    UNSUBSCRIBE_PATHS,
    UNSUBSCRIBES,
)

if TYPE_CHECKING:
    import httpx

# opens and clicks come in for weeks
LOOKBACK_DAYS = 90
PAGE_SIZE = 1000
# Mailchimp allows ten connections per user; two are left to the others
MAX_CONNECTIONS = 8
READ_ATTEMPTS = 3
# what is read of a mailing belongs together
MAILINGS = "mailings"


@dataclass(frozen=True)
class Mailing:
    """A sent campaign, or an automation e-mail, which is sent for ever (`sent_on` is None)."""

    campaign_id: str
    sent_on: date | None

    @property
    def window(self) -> Window | None:
        """Return the day that it was sent on."""
        return Window(self.sent_on, self.sent_on) if self.sent_on else None


def open_governor(job: Job) -> Governor:
    """Return what asks Mailchimp, with the key."""
    return Governor(
        "Mailchimp",
        base_url(job.settings),
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers=access_headers(job.setting("MAILCHIMP_API_KEY")),
        max_connections=MAX_CONNECTIONS,
    )


def collect(job: Job) -> None:
    """Read campaigns and automations, then every mailing that may have changed."""
    with closing(open_governor(job)) as governor:
        mailings = read_campaigns(job, governor) + read_automations(job, governor)
        due = [mailing for mailing in mailings if is_due(job, mailing)]
        planned = (Planned(MAILINGS, one.campaign_id, one.window) for one in due if one.window)
        if job.is_only_planned(planned):
            return
        job.plan(len(due))
        job.each(due, lambda one: read_mailing(job, governor, one), workers=MAX_CONNECTIONS)


def check(job: Job) -> list[tuple[str, str]]:
    """Ask whether the key is good; it is of one account, which needs no name."""
    with closing(open_governor(job)) as governor:
        governor.get("/ping")
    return [("", "the account of the key")]


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
    rows = read_what_is_there(job, governor, "/campaigns", "campaigns")
    job.add(CAMPAIGNS, pluck(rows, CAMPAIGN_PATHS), raw=rows)
    sent = [row for row in rows if row.get("send_time") and row.get("status") == "sent"]
    return readable(job, sent, "id", mailing_of, "campaign")


def mailing_of(row: Mapping[str, Any]) -> Mailing:
    """Return a sent campaign; raise AccountError where nobody can say when it was sent."""
    try:
        return Mailing(str(row["id"]), sent_day(row["send_time"]))
    except (KeyError, TypeError, ValueError):
        raise AccountError(f"its send_time is no time: {row.get('send_time')!r}") from None


def read_automations(job: Job, governor: Governor) -> list[Mailing]:
    """Load automations and their e-mails; return the e-mails that were sent."""
    rows = read_what_is_there(job, governor, "/automations", "automations")
    job.add(AUTOMATIONS, pluck(rows, AUTOMATION_PATHS), raw=rows)
    emails: list[dict[str, Any]] = []
    known = [str(row["id"]) for row in rows if row.get("id")]

    def read_emails(automation_id: str) -> None:
        path = f"/automations/{automation_id}/emails"
        found = read_what_is_there(job, governor, path, "emails")
        # one call, so no other thread comes between
        emails.extend(found)

    job.each(known, read_emails)
    emails.sort(key=lambda email: str(email.get("id")))
    job.add(AUTOMATION_EMAILS, pluck(emails, AUTOMATION_EMAIL_PATHS), raw=emails)
    return [
        Mailing(str(email["id"]), None)
        for email in emails
        if email.get("emails_sent") and email.get("id")
    ]


def read_what_is_there(job: Job, governor: Governor, path: str, name: str) -> list[dict[str, Any]]:
    """Return what could be read of a list that nothing is deleted for; what is missing is told."""
    rows, problem = read_list(governor, path, name, "id")
    if problem:
        job.fail(problem)
    return rows


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


def read_mailing(job: Job, governor: Governor, mailing: Mailing) -> None:
    """Read report, recipients, activity and unsubscribes of one mailing; all or nothing."""
    campaign_id = mailing.campaign_id
    path, parts = f"/reports/{campaign_id}", ((campaign_id,),)
    report = governor.get(path)
    sent = read_whole(governor, f"{path}/sent-to", "sent_to")
    active = read_whole(governor, f"{path}/email-activity", "emails")
    gone = read_whole(governor, f"{path}/unsubscribed", "unsubscribes")
    snapshot = pluck([report], REPORT_PATHS) | {"snapshot_date": [job.now.date()]}
    pieces = [
        Piece(SENT_TO, of_mailing(campaign_id, pluck(sent, SENT_TO_PATHS)), sent, parts),
        Piece(UNSUBSCRIBES, of_mailing(campaign_id, pluck(gone, UNSUBSCRIBE_PATHS)), gone, parts),
        Piece(EMAIL_ACTIVITY, of_mailing(campaign_id, activity_columns(active)), None, parts),
        Piece(REPORTS, snapshot, [report]),
    ]
    job.keep(pieces, lambda: note_read(job, mailing))
    job.done()


def note_read(job: Job, mailing: Mailing) -> None:
    """Note when a mailing was read."""
    today = job.now.date()
    job.state.setdefault("read_on", {})[mailing.campaign_id] = today.isoformat()
    job.note_read(MAILINGS)
    job.note_read(MAILINGS, campaign_id=mailing.campaign_id)
    if job.backfill and mailing.window:
        job.backfill.mark(MAILINGS, mailing.campaign_id, mailing.window, today)


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


def read_whole(governor: Governor, path: str, name: str) -> list[dict[str, Any]]:
    """Return a list of recipients; raise where it cannot be read to its end."""
    rows, problem = read_list(governor, path, name, "email_id")
    if problem:
        raise problem
    return rows


def read_list(
    governor: Governor, path: str, name: str, key: str
) -> tuple[list[dict[str, Any]], TerminalError | None]:
    """Return a list, every element once, and what is wrong with it when it is not whole.

    Offsets shift when the list changes while it is read: doubles are dropped, and when
    elements are missing at the end the list is read again.
    """
    by_key: dict[Any, dict[str, Any]] = {}
    total = 0
    for _ in range(READ_ATTEMPTS):
        by_key, total, is_ended = read_once(governor, path, name, key)
        if not is_ended:
            return list(by_key.values()), EndlessListError(
                f"Mailchimp's list {path} does not end: a page brought nothing new"
            )
        if len(by_key) >= total:
            return list(by_key.values()), None
    return list(by_key.values()), TerminalError(
        f"Mailchimp gave {len(by_key)} of {total} elements of {path}",
        hint="the list changes while it is read, or its count is wrong; run again",
    )


def read_once(
    governor: Governor, path: str, name: str, key: str
) -> tuple[dict[Any, dict[str, Any]], int, bool]:
    """Return the elements of a list by key, how many it says to have, and whether it ended."""
    by_key: dict[Any, dict[str, Any]] = {}
    offset = 0
    while True:
        page = governor.get(path, {"count": PAGE_SIZE, "offset": offset})
        rows = records(page, name, path)
        total = whole_number(page, "total_items", path)
        # an element without a key counts too: it is rejected with its reason later
        found = {key_of(row, key): row for row in rows}
        is_new = bool(found.keys() - by_key.keys())
        by_key |= found
        offset += len(rows)
        if not rows or offset >= total:
            return by_key, total, True
        if not is_new:
            return by_key, total, False


def key_of(row: Mapping[str, Any], key: str) -> Any:
    """Return what tells an element from the others; itself where it has no key."""
    found = row.get(key)
    return found if found and isinstance(found, str | int) else id(row)


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
        f"Mailchimp refused: {title_of(response)}",
        hint="check MAILCHIMP_API_KEY",
        status_code=status,
    )


def title_of(response: httpx.Response) -> str:
    """Return what a problem is called."""
    try:
        return str(response.json()["title"])
    except (ValueError, KeyError, TypeError):
        return "no access"


SOURCE = Source(
    tables=TABLES,
    settings=("MAILCHIMP_API_KEY",),
    optional_settings=("MAILCHIMP_BASE_URL",),
    collect=collect,
    restates="campaigns of 90 days",
    has_days=True,
    address=base_url,
    check=check,
)
