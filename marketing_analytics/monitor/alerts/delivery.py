"""Send what is kept: one message a channel, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from marketing_analytics.core import clock
from marketing_analytics.core.errors import RemoteError, UserError
from marketing_analytics.monitor.alerts.channels import deliver, service_of
from marketing_analytics.monitor.alerts.messages import Message, compose
from marketing_analytics.monitor.alerts.notices import Channel, Notice
from marketing_analytics.monitor.alerts.outbox import (
    claim,
    conclude,
    keep_notices,
    kept_notices,
    note_unsent,
)
from marketing_analytics.monitor.place import Place

# a message is read on a phone
MAX_CHARACTERS = 8000
# apprise puts a title into the text where a service has none
TITLE_ROOM = 120


@dataclass(frozen=True)
class Delivery:
    """What became of one message."""

    channel: str
    notices: int
    error: str

    def as_json(self) -> dict[str, Any]:
        """Return the form of the `--json` output."""
        return asdict(self)


def tell(place: Place, channels: Sequence[Channel]) -> list[Delivery]:
    """Decide on what the monitors found since the last time, and send what is kept."""
    if not channels:
        return []
    keep_notices(place, channels, clock.now().replace(tzinfo=None))
    return deliver_waiting(place, channels)


def deliver_waiting(place: Place, channels: Iterable[Channel]) -> list[Delivery]:
    """Send what is kept for each channel."""
    kept = kept_notices(place, is_waiting=True)
    found = {channel.name: channel for channel in channels}
    names = dict.fromkeys(notice.channel_name for notice in kept)
    return [
        deliver_to(place, found.get(name), [each for each in kept if each.channel_name == name])
        for name in names
    ]


def deliver_to(place: Place, channel: Channel | None, kept: Sequence[Notice]) -> Delivery:
    """Send what is kept for one channel."""
    name = kept[0].channel_name
    if channel is None:
        return Delivery(name, len(kept), "monitors.yml has no such channel any more")
    try:
        service = service_of(channel)
    except UserError as error:
        note_unsent(place, name, error.message)
        return Delivery(name, len(kept), error.message)
    claimed = claim(place, name)
    if not claimed:
        return Delivery(name, len(kept), "another process is sending, or was a moment ago")
    outcome = deliver(channel, service, compose(claimed, max_characters=room_of(service)))
    conclude(place, claimed, outcome)
    return Delivery(name, len(claimed), outcome.error)


def room_of(service: Any) -> int:
    """Return how many characters of text a service takes in one message."""
    return min(MAX_CHARACTERS, int(service.body_maxlen)) - TITLE_ROOM


def send_test(channels: Iterable[Channel], name: str) -> None:
    """Send a test message. Raise UserError for a channel that nobody knows, else RemoteError."""
    found = {channel.name: channel for channel in channels}
    if name not in found:
        known = ", ".join(found) or "none: write some under alerts in monitors.yml"
        raise UserError(f"there is no channel {name!r}", hint=f"known: {known}")
    message = Message(
        "Marketing data: a test", f"The channel {name} works; nothing is wrong.", is_good=True
    )
    outcome = deliver(found[name], service_of(found[name]), message)
    if outcome.error:
        raise RemoteError(
            f"{name} did not take the test message: {outcome.error}",
            hint=f"check {found[name].address_from}; see docs/alerts.md",
        )
