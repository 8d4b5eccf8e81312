"""What a person sees of notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.monitor.alerts.delivery import Delivery
from marketing_analytics.monitor.alerts.mutes import Mutes
from marketing_analytics.monitor.alerts.notices import Notice
from marketing_analytics.web.words import plural

PIPED_WIDTH = 100


def notice_json(notice: Notice) -> dict[str, Any]:
    """Return the form of the `--json` output."""
    return {
        name: f"{value.isoformat()}Z" if isinstance(value, datetime) else value
        for name, value in vars(notice).items()
    }


def print_notices(console: Console, kept: Sequence[Notice], silences: Mutes) -> None:
    """Print a line a notice, and the silences in force or planned."""
    if kept:
        console.table(
            ["told at", "channel", "what", "severity", "monitor", "subject", "delivered"],
            [line_of(notice) for notice in kept],
            expendable=(3, 1),
        )
    else:
        console.line("nothing was told")
    for error in dict.fromkeys((n.channel_name, n.last_error) for n in kept if n.last_error):
        console.prose(f"{error[0]}: {error[1]}", indent="  ", piped_width=PIPED_WIDTH)
    for silence in silences.silences:
        console.prose(
            f"{silence.sentence()}: {silence.reason} ({silence.created_by})",
            indent="  ",
            piped_width=PIPED_WIDTH,
        )


def line_of(notice: Notice) -> list[str]:
    """Return the line of a notice."""
    delivered = f"{notice.delivered_at:%Y-%m-%d %H:%M}" if notice.delivered_at else "waits"
    return [
        f"{notice.created_at:%Y-%m-%d %H:%M}",
        notice.channel_name,
        notice.cause,
        notice.severity,
        notice.monitor,
        notice.subject,
        f"{delivered}, attempt {notice.attempts}" if notice.attempts > 1 else delivered,
    ]


def print_deliveries(console: Console, done: Sequence[Delivery]) -> None:
    """Print what became of the messages."""
    for delivery in done:
        what = plural(delivery.notices, "notice")
        end = f"kept: {delivery.error}" if delivery.error else "delivered"
        console.prose(f"{delivery.channel}: {what} {end}", indent="  ", piped_width=PIPED_WIDTH)
