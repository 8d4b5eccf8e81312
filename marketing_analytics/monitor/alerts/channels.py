"""A channel at work: its address from the environment, judged; a message handed to apprise.

Addresses are secrets: they hold tokens and passwords. They are kept out of all that is printed.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from marketing_analytics.core.errors import MissingSettingError, UserError
from marketing_analytics.core.redaction import MIN_SECRET_LENGTH, redact, remember, secrets_of
from marketing_analytics.monitor.alerts.messages import Message
from marketing_analytics.monitor.alerts.notices import Channel
from marketing_analytics.monitor.alerts.outgoing import public_addresses_only

# scheme: what it is. apprise takes 130 more, some of which run programs or write to this machine
SCHEMES = {
    "mailto": "mail by SMTP",
    "mailtos": "mail by SMTP with TLS",
    "slack": "Slack",
    "workflow": "Microsoft Teams, through Power Automate",
    "workflows": "Microsoft Teams, through Power Automate",
    "discord": "Discord",
    "gchat": "Google Chat",
    "mmost": "Mattermost",
    "mmosts": "Mattermost with TLS",
    "pagerduty": "PagerDuty",
    "opsgenie": "Opsgenie",
    "json": "a webhook: POST of JSON",
    "jsons": "a webhook with TLS: POST of JSON",
}
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
# one message in all, however slowly the other side answers
DELIVERY_SECONDS = 30.0
# how apprise tells of an answer that is none of success
STATUS = re.compile(r"\berror=[345]\d\d\b")
# shorter parts of an address are words
MIN_PART_LENGTH = 8


def address_of(channel: Channel) -> str:
    """Return the address of a channel, kept out of all output. Raise UserError without one."""
    address = os.environ.get(channel.address_from, "").strip()
    if not address:
        raise MissingSettingError(
            channel.address_from, purpose=f"the address of the alert channel {channel.name}"
        )
    keep_out(address)
    return address


def keep_out(address: str) -> None:
    """Keep an address and the secrets in it out of what this process prints."""
    remember(address)
    try:
        parts = urlsplit(address)
        password = parts.password or ""
    except ValueError:
        return
    values = [value for _, value in parse_qsl(parts.query)]
    pieces = [*parts.path.split("/"), *values, *parts.netloc.split("@")[0].split(":")]
    kept = {piece for piece in pieces if len(piece) >= MIN_PART_LENGTH} - {parts.hostname}
    for secret in kept | ({password} if len(password) >= MIN_SECRET_LENGTH else set()):
        remember(secret)
        remember(unquote(secret))


def service_of(channel: Channel) -> Any:
    """Return apprise's service for a channel. Raise UserError for an address that is none."""
    import apprise

    address = address_of(channel)
    hint = f"write one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}; see docs/alerts.md"
    asset = apprise.AppriseAsset(
        app_id="marketing",
        http_redirects=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        pgp_autogen=False,
        pem_autogen=False,
    )
    scheme = address.partition("://")[0].lower()
    # of https:// apprise knows those that Slack, Teams and others show for copying
    if scheme not in {*SCHEMES, "https"}:
        raise UserError(f"{channel.address_from} holds no address of a kind we send to", hint=hint)
    with apprise_silent():
        service = apprise.Apprise.instantiate(address, asset=asset)
    if service is None or not schemes_of(service) & SCHEMES.keys():
        raise UserError(f"{channel.address_from} holds no whole address", hint=hint)
    vars(service).update(
        socket_connect_timeout=CONNECT_SECONDS, socket_read_timeout=READ_SECONDS, redirects=False
    )
    return service


def schemes_of(service: Any) -> set[str]:
    """Return the schemes of a service."""
    found: set[str] = set()
    for given in (service.protocol, service.secure_protocol):
        found |= {given} if isinstance(given, str) else set(given or ())
    return found


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: why it failed, or an empty text; `is_known` is False in between."""

    error: str = ""
    is_known: bool = True


def deliver(channel: Channel, service: Any, message: Message) -> Outcome:
    """Send a message, and wait for its end no longer than the time for one."""
    outcomes: list[Outcome] = []
    sender = threading.Thread(
        target=lambda: outcomes.append(send(channel, service, message)),
        name=f"alerts-{channel.name}",
        daemon=True,
    )
    sender.start()
    sender.join(DELIVERY_SECONDS)
    if not outcomes:
        return Outcome(f"no answer within {DELIVERY_SECONDS:.0f} s", is_known=False)
    return outcomes[0]


def send(channel: Channel, service: Any, message: Message) -> Outcome:
    """Send a message in this thread."""
    import apprise

    kind = apprise.NotifyType.SUCCESS if message.is_good else apprise.NotifyType.FAILURE
    with apprise_silent() as lines, guard(channel) as refused:
        try:
            is_sent = service.notify(
                body=message.body,
                title=message.title,
                notify_type=kind,
                body_format=format_of(service),
            )
        except Exception as error:
            is_sent = False
            lines.append(f"{type(error).__name__}: {error}")
    if is_sent:
        return Outcome()
    if refused:
        return Outcome(
            f"its address leads to {refused[0]}, inside this network; "
            "allow that with allow_private_addresses: true"
        )
    reason = redact(" ".join(lines), secrets_of()) or "the service did not take it"
    # an answer with a status refuses; where the connection broke it may have been taken
    return Outcome(reason, is_known=bool(STATUS.search(reason)))


def format_of(service: Any) -> Any:
    """Return that a body is plain text, where a service takes that: else a mail is one line."""
    import apprise

    given = service.notify_format
    formats = given if isinstance(given, tuple | list) else (given,)
    return apprise.NotifyFormat.TEXT if apprise.NotifyFormat.TEXT in formats else None


@contextmanager
def guard(channel: Channel) -> Iterator[list[str]]:
    """Refuse what leads into this network, unless the channel may."""
    if channel.allows_private_addresses:
        yield []
        return
    with public_addresses_only() as refused:
        yield refused


class Kept(logging.Handler):
    """Keeps the warnings of one thread, and prints none."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread = threading.get_ident()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.lines.append(record.getMessage())


@contextmanager
def apprise_silent() -> Iterator[list[str]]:
    """Yield the warnings of apprise in place of printing them: they may name an address."""
    log = logging.getLogger("apprise")
    kept = Kept()
    log.addHandler(kept)
    log.propagate = False
    try:
        yield kept.lines
    finally:
        log.removeHandler(kept)
