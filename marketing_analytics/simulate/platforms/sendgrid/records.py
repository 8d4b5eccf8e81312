"""SendGrid's answers at a moment: statistics by day and category, and the lists of addresses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.sendgrid.mails import (
    GROUP_ID,
    GROUP_NAME,
    Mailbox,
    PostOffice,
)

METRICS = (
    "blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails",
    "opens", "processed", "requests", "spam_report_drops", "spam_reports", "unique_clicks",
    "unique_opens", "unsubscribe_drops", "unsubscribes",
)  # fmt: skip
DROPS = {
    "Invalid": "invalid_emails",
    "Bounced Address": "bounce_drops",
    "Unsubscribed Address": "unsubscribe_drops",
    "Spam Reporting Address": "spam_report_drops",
}
NAMES = {
    "deferred": "deferred",
    "delivered": "delivered",
    "spamreport": "spam_reports",
    "unsubscribe": "unsubscribes",
    "group_unsubscribe": "unsubscribes",
}
# the fields that a list shows beside `created` and `email`
SHOWN = {
    "bounces": ("reason", "status"),
    "blocks": ("reason", "status"),
    "invalid_emails": ("reason",),
    "spam_reports": ("ip",),
    "unsubscribes": (),
}

Counts = dict[str, int]


class MailRecords:
    """The mail of a world, counted up to a moment."""

    def __init__(self, world: WorldFiles) -> None:
        self.world = world
        self.kept: dict[tuple[int, str], dict[tuple[date, str], Counts]] = {}

    @cached_property
    def box(self) -> Mailbox:
        """Return all mail; it is sent when the first one asks."""
        return PostOffice(self.world).box

    def events(self, now: int, account: str = "") -> list[dict[str, Any]]:
        """Return the events until a moment, of one account when given."""
        return [
            event
            for event in self.box.events
            if event["timestamp"] <= now and account in {"", event["account"]}
        ]

    def counts(self, now: int, account: str) -> dict[tuple[date, str], Counts]:
        """Return the metrics by day and category; the category "" is all mail."""
        if (now, account) not in self.kept:
            # the clock moves on: what was counted before is not asked for again
            self.kept = {key: found for key, found in self.kept.items() if key[0] == now}
            self.kept[now, account] = self.count(now, account)
        return self.kept[now, account]

    def count(self, now: int, account: str) -> dict[tuple[date, str], Counts]:
        """Count the metrics by day and category."""
        found: dict[tuple[date, str], Counts] = defaultdict(lambda: dict.fromkeys(METRICS, 0))
        seen: set[tuple[str, str]] = set()
        for event in self.events(now, account):
            day = datetime.fromtimestamp(event["timestamp"], UTC).date()
            names = metrics_of(event)
            first = (event["sg_message_id"], event["event"])
            if event["event"] in {"open", "click"} and first not in seen:
                seen.add(first)
                names.append(f"unique_{event['event']}s")
            for category in ("", *categories_of(event)):
                for name in names:
                    found[day, category][name] += 1
        return dict(found)

    def categories(self, now: int, account: str) -> list[str]:
        """Return the categories in use."""
        return sorted({category for _, category in self.counts(now, account)} - {""})

    def suppressions(self, kind: str, now: int, account: str) -> list[dict[str, Any]]:
        """Return a list of addresses, newest first."""
        rows = [
            one
            for one in self.box.suppressions
            if (one.kind, one.account) == (kind, account) and one.created <= now < one.removed
        ]
        rows.sort(key=lambda one: (-one.created, one.email))
        if kind == "group":
            return [
                {
                    "email": one.email,
                    "group_id": GROUP_ID,
                    "group_name": GROUP_NAME,
                    "created_at": one.created,
                }
                for one in rows
            ]
        given = {"ip": "192.0.2.18"}
        return [
            {"created": one.created, "email": one.email}
            | {name: given.get(name) or getattr(one, name) for name in SHOWN[kind]}
            for one in rows
        ]


def metrics_of(event: dict[str, Any]) -> list[str]:
    """Return the metrics that an event counts for, apart from the unique ones."""
    kind = event["event"]
    if kind == "dropped":
        return ["requests", DROPS[event["reason"]]]
    if kind == "processed":
        return ["requests", "processed"]
    if kind == "bounce":
        return ["blocks" if event["type"] == "blocked" else "bounces"]
    if kind in {"open", "click"}:
        return [f"{kind}s"]
    return [NAMES[kind]]


def categories_of(event: dict[str, Any]) -> list[str]:
    """Return the categories of an event."""
    given = event["category"]
    return given if isinstance(given, list) else [given]


def period_of(day: date, unit: str) -> date:
    """Return the first day of the day, week or month."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def stat_rows(
    counts: dict[tuple[date, str], Counts],
    days: Sequence[date],
    unit: str,
    categories: Iterable[str],
) -> list[dict[str, Any]]:
    """Return the answer of a statistic; a period without mail is a row of zeros."""
    wanted = list(categories)
    sums: dict[date, dict[str, Counts]] = {}
    for day in days:
        by_name = sums.setdefault(
            period_of(day, unit), {name: dict.fromkeys(METRICS, 0) for name in wanted}
        )
        for name in wanted:
            for metric, number in counts.get((day, name), {}).items():
                by_name[name][metric] += number
    return [
        {"date": str(day), "stats": [one_stat(name, metrics) for name, metrics in names.items()]}
        for day, names in sums.items()
    ]


def one_stat(name: str, metrics: Counts) -> dict[str, Any]:
    """Return the metrics, with the category when they are of one."""
    about = {"type": "category", "name": name} if name else {}
    return {**about, "metrics": metrics}
