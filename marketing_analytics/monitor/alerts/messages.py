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
GAP = "\n\n"
SEE = "… the rest: marketing monitor notices"
# names come from platforms and from whoever makes a link: in a chat `@everyone`, `<!here>` and
# `<users/all>` would call people, and [a text](address) would hide where it leads
PLAIN = str.maketrans({"@": "＠", "<": "‹"})
AGAIN = "Again: an earlier attempt to tell this may have arrived"


@dataclass(frozen=True)
class Message:
    """What is sent."""

    title: str
    body: str
    is_good: bool


def compose(notices: Sequence[Notice], *, max_characters: int) -> Message:
    """Return one message for several notices; what has no room is counted, not cut."""
    ordered = in_order(notices)
    # so that whoever gets a message twice sees it
    parts = [AGAIN] if any(notice.open_attempts > 1 for notice in notices) else []
    room = max_characters - sum(len(part) + len(GAP) for part in parts)
    for shown, notice in enumerate(ordered):
        text = paragraph(notice)
        more = f"And {len(ordered) - shown} more: marketing monitor notices"
        is_last = shown == len(ordered) - 1
        if len(text) + (0 if is_last else len(GAP) + len(more)) > room:
            # of the worst there is always something
            parts.append(more if shown else f"{text[: max(0, room - len(GAP + SEE))]}{GAP}{SEE}")
            break
        parts.append(text)
        room -= len(text) + len(GAP)
    is_good = all(notice.kind != ALERT for notice in notices)
    return Message(title_of(ordered), GAP.join(parts), is_good)


def in_order(notices: Sequence[Notice]) -> list[Notice]:
    """Return the subjects that are wrong now, the worst first, then those that are well again.

    What is told of one subject stays together and in the order in which it was found: after days
    without a delivery the last word is how it is now.
    """
    by_subject: dict[tuple[str, str, str], list[Notice]] = {}
    for notice in sorted(notices, key=lambda each: each.sequence):
        by_subject.setdefault(notice.about, []).append(notice)
    ordered = sorted(
        by_subject.items(),
        key=lambda item: (item[1][-1].kind != ALERT, min(each.rank for each in item[1]), item[0]),
    )
    return [notice for _, found in ordered for notice in found]


def title_of(notices: Sequence[Notice]) -> str:
    """Return how many problems there are and the worst severity, and how many are over."""
    told = [notice for notice in notices if notice.kind == ALERT]
    over = len(notices) - len(told)
    parts = []
    if told:
        worst = min(told, key=lambda each: each.rank)
        parts.append(f"[{worst.severity}] {plural(len(told), 'problem')}")
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
    return "\n".join(plain(redact(line, secrets_of())) for line in lines)


def plain(text: str) -> str:
    """Return a text that every service shows as it is, on one line."""
    # line breaks and tabs within a name too
    told = visible(" ".join(text.split())).translate(PLAIN)
    return told.replace("](", "] (")
