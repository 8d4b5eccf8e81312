"""The text of a message: all that a channel is told at once, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.core.signs import visible
from marketing_analytics.monitor.alerts.notices import ALERT, Notice
from marketing_analytics.web.words import plural

CAUSES = {
    "new": "{status}",
    "worse": "{status}, worse than before",
    "reminder": "still {status}",
    "over": "over",
}
AGAIN = "Again: an earlier attempt to tell this may have arrived"


@dataclass(frozen=True)
class Message:
    """What is sent."""

    title: str
    body: str
    is_good: bool


def compose(notices: Sequence[Notice], *, max_characters: int) -> Message:
    """Return one message for several notices; what has no room is counted, not cut."""
    ordered = sorted(notices, key=lambda each: (each.kind != ALERT, each.rank, each.about))
    parts = [paragraph(notice) for notice in ordered]
    # so that whoever gets a message twice sees it
    lead = [AGAIN] if any(notice.open_attempts > 1 for notice in notices) else []
    shown = len(parts)
    body = "\n\n".join([*lead, *parts])
    while len(body) > max_characters and shown > 0:
        shown -= 1
        more = f"And {len(parts) - shown} more: marketing monitor notices"
        body = "\n\n".join([*lead, *parts[:shown], more])
    is_good = all(notice.kind != ALERT for notice in notices)
    return Message(title_of(ordered), body, is_good)


def title_of(notices: Sequence[Notice]) -> str:
    """Return how many problems there are and the worst severity, and how many are over."""
    told = [notice for notice in notices if notice.kind == ALERT]
    over = len(notices) - len(told)
    parts = []
    if told:
        parts.append(f"[{told[0].severity}] {plural(len(told), 'problem')}")
    if over:
        parts.append(f"{over} over")
    return f"Marketing data: {', '.join(parts)}"


def paragraph(notice: Notice) -> str:
    """Return what is told of one finding."""
    state = CAUSES[notice.cause].format(status=notice.status)
    named = f"{notice.monitor}: {notice.subject}" if notice.subject else notice.monitor
    lines = [f"{named} ({notice.severity}, {state})", notice.sentence]
    if notice.kind == ALERT:
        lines += [f"Do: {notice.action}"] if notice.action else []
        where = [f"runbook {notice.runbook}"] if notice.runbook else []
        where += [f"owner {notice.owner}"] if notice.owner else []
        lines += [", ".join(where)] if where else []
    # a sentence may hold what a platform or a driver said
    return "\n".join(visible(redact(line, secrets_of())) for line in lines)
