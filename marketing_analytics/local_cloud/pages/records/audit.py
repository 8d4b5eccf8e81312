"""The audit log in words: who wanted what, and whether it was let in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.states import State
from marketing_analytics.local_cloud.store.access.audit import REFUSED, AuditEvent, newest_events
from marketing_analytics.web.words import parse_time

EVENTS_PER_PAGE = 50
DONE = State("Done", "check", "success")
REFUSED_STATE = State("Refused", "slash", "error")
VERBS = {"POST": "change", "PUT": "change", "PATCH": "change", "DELETE": "delete"}
# the last word of a path that says what is to be done
DEEDS = {
    "run": "start",
    "cancel": "cancel",
    "retry": "retry",
    "rerun": "retry",
    "again": "send again",
    "close": "close",
    "compare": "compare",
    "test": "test",
}
# of `job`, `pull request`; everything else loses its s
ONES = {"repositories": "repository", "audit-logs": "audit log"}
SCOPES = ("accounts", "projects")
WITH_PAGE = {"job": "jobs", "run": "runs"}


@dataclass(frozen=True)
class AuditLine:
    """One event: what was to be done to what, by whom, from where. `href` is "" without a page."""

    at: datetime | None
    who: str
    what: str
    href: str
    method: str
    path: str
    state: State
    status: int
    client: str


@dataclass(frozen=True)
class AuditPage:
    """One page of the log and how many events match."""

    lines: list[AuditLine]
    total: int


def audit_page(reads: Reads, search: str, is_refused: bool, page: int) -> AuditPage:
    """Return one page of events, newest first."""
    found = newest_events(
        reads.connection,
        reads.account_id,
        search=search,
        is_refused=is_refused,
        limit=EVENTS_PER_PAGE,
        offset=(page - 1) * EVENTS_PER_PAGE,
    )
    return AuditPage([audit_line(event) for event in found.rows], found.total_count)


def audit_line(event: AuditEvent) -> AuditLine:
    """Return an event in words."""
    what, href = deed_of(event.method, event.path)
    return AuditLine(
        at=parse_time(event.created_at),
        who=event.token_name,
        what=what,
        href=href,
        method=event.method,
        path=event.path,
        state=REFUSED_STATE if event.status >= REFUSED else DONE,
        status=event.status,
        client=event.client,
    )


def deed_of(method: str, path: str) -> tuple[str, str]:
    """Return what a request is to do, in words, and the page of what it is about, "" without one.

    `POST /api/v2/accounts/1/jobs/7/run/` is: start job 7.
    """
    parts = [part for part in re.sub(r"^/api/v\d+", "", path).split("/") if part]
    while len(parts) > 2 and parts[0] in SCOPES and is_id(parts[1]):
        parts = parts[2:]
    deed = DEEDS.get(parts[-1], "") if len(parts) > 1 else ""
    if deed:
        parts = parts[:-1]
    has_id = bool(parts) and is_id(parts[-1])
    number = parts[-1] if has_id else ""
    noun = one_of(parts[-2] if has_id and len(parts) > 1 else parts[-1] if parts else "")
    verb = deed or ("create" if method == "POST" and not has_id else VERBS.get(method, method))
    folder = WITH_PAGE.get(noun)
    return f"{verb} {noun} {number}".strip(), f"/{folder}/{number}" if folder and has_id else ""


def is_id(part: str) -> bool:
    """Return whether a part of a path names one thing: a number, or a long id such as `wsu_...`."""
    return part.isdigit() or part.startswith(("wsu_", "wev_"))


def one_of(word: str) -> str:
    """Return the word for one thing of a family."""
    return ONES.get(word, word.removesuffix("s").replace("-", " "))
