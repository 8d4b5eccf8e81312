"""The shop's own mail: what orders, deliveries and refunds make it send, and what became of it.

Who is told and when follows from the world's orders and refunds; whose address is dead, who left
and whose machine opens mail follows from its newsletters. What the world does not know (typing
errors, full mailboxes, complaints) is drawn from the seed by message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from marketing_analytics.simulate.emulation.world_files import NEVER_US, WorldFiles, int_column

MAIN, SUBUSER = "main", "shop-eu"
DAY_SECONDS = 86_400
GROUP_ID, GROUP_NAME = 14_201, "Delivery updates"
ORDER_PAGE = "https://www.shop.example/orders"
# beside the order, every message links to these
OTHER_PAGES = ("https://www.shop.example/help", "https://www.shop.example/account")
# the categories as a sender may write them: a text, or a list
CATEGORIES: dict[str, str | list[str]] = {
    "order_confirmation": "order_confirmation",
    "shipping": ["shipping", "transactional"],
    "refund": ["refund", "transactional"],
}
# shares of messages or persons
TYPING_ERRORS, DEAD, FULL, LATE, COMPLAINTS, LEAVERS = 0.015, 0.012, 0.02, 0.04, 0.012, 0.06
OPENERS, CLICKERS = 0.55, 0.3
# a person at the shop clears the address some days later
CLEARED, CLEARED_AFTER_DAYS = 0.5, 10
HUMAN_AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
MACHINE_AGENT = "Mozilla/5.0"
SCANNER_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/110.0.0.0"
HUMAN_IP, SCANNER_IP = "192.0.2.17", "203.0.113.25"


@dataclass(frozen=True)
class Person:
    """A buyer as the mail server knows it; times in seconds, `never` far away."""

    email: str
    account: str
    opted_out_at: int
    dead_at: int
    has_machine: bool
    has_scanner: bool


@dataclass
class Suppression:
    """An address on a list, from a time until it is removed."""

    account: str
    kind: str
    email: str
    created: int
    removed: int = NEVER_US
    reason: str = ""
    status: str = ""


@dataclass
class Mailbox:
    """Everything that was sent in a world, in order of time."""

    events: list[dict[str, Any]] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)


@dataclass(frozen=True)
class Message:
    """One mail to one person."""

    message_id: str
    person: Person
    kind: str
    order_id: str
    sent_at: int


class PostOffice:
    """Sends the mail of one world."""

    def __init__(self, world: WorldFiles) -> None:
        self.seed = world.seed
        self.people = people_of(world)
        self.box = Mailbox()
        self.blocked: dict[str, tuple[str, int, int]] = {}
        self.left_group: set[str] = set()
        self.invalid: set[str] = set()
        for person in sorted(self.people.values(), key=lambda one: one.email):
            if person.opted_out_at < NEVER_US:
                self.suppress(person, "unsubscribes", person.opted_out_at)
        for message in sorted(self.messages(world), key=lambda one: (one.sent_at, one.message_id)):
            self.send(message)
        self.box.events.sort(key=lambda event: (event["timestamp"], event["sg_event_id"]))

    def chance(self, *what: object) -> float:
        """Return a number from 0 to 1 that is the same whenever it is asked for."""
        return int(self.digest(*what)[:12], 16) / 16**12

    def digest(self, *what: object) -> str:
        """Return a name that is the same whenever it is asked for."""
        text = "|".join(map(str, (self.seed, *what)))
        return hashlib.sha256(text.encode()).hexdigest()

    def messages(self, world: WorldFiles) -> Iterator[Message]:
        """Yield what orders and refunds make the shop send."""
        orders, refunds = world.table("orders"), world.table("refunds")
        buyer = dict(zip(orders["order_id"].to_pylist(), orders["person"].to_pylist(), strict=True))
        times = seconds_of(orders, "ordered_at")
        for (order_id, number), at in zip(buyer.items(), times, strict=True):
            person = self.people.get(number)
            if person:
                delay = DAY_SECONDS + int(self.chance(order_id, "packed") * 2 * DAY_SECONDS)
                yield self.message(person, "order_confirmation", order_id, at + 30)
                yield self.message(person, "shipping", order_id, at + delay)
        given_back = zip(
            refunds["order_id"].to_pylist(), seconds_of(refunds, "refunded_at"), strict=True
        )
        for order_id, at in given_back:
            person = self.people.get(buyer[order_id])
            if person:
                yield self.message(person, "refund", order_id, at + 60)

    def message(self, person: Person, kind: str, order_id: str, at: int) -> Message:
        """Return one message."""
        return Message(self.digest(order_id, kind, at)[:22], person, kind, order_id, at)

    def send(self, message: Message) -> None:
        """Send one message: it is dropped, or goes its way."""
        reason = self.drop_reason(message)
        if reason:
            self.note(message, "dropped", 0, reason=reason)
            return
        self.note(message, "processed", 0)
        person, at = message.person, message.sent_at
        if at >= person.dead_at or self.chance(message.message_id, "dead") < DEAD:
            self.bounce(message)
            return
        if self.chance(message.message_id, "full") < FULL:
            reason, status = "452 4.2.2 The mailbox is over its quota", "4.2.2"
            self.note(message, "bounce", 3, type="blocked", reason=reason, status=status)
            self.suppress(person, "blocks", at + 3, reason=reason, status=status)
            return
        late = 0
        if self.chance(message.message_id, "late") < LATE:
            self.note(message, "deferred", 2, response="450 try again later", attempt="1")
            late = 900
        self.note(message, "delivered", 2 + late, response="250 2.0.0 OK")
        self.react(message, 2 + late)

    def drop_reason(self, message: Message) -> str:
        """Return why SendGrid does not even try, empty when it does."""
        person, at = message.person, message.sent_at
        if self.chance(person.email, "typing") < TYPING_ERRORS:
            self.suppress_invalid(person, at)
            return "Invalid"
        reason, since, until = self.blocked.get(person.email, ("", NEVER_US, NEVER_US))
        if since <= at < until:
            return reason
        if person.opted_out_at <= at:
            return "Unsubscribed Address"
        if message.kind == "shipping" and person.email in self.left_group:
            return "Unsubscribed Address"
        return ""

    def bounce(self, message: Message) -> None:
        """Note that an address is dead, and for how long it will not be tried again."""
        person, at = message.person, message.sent_at
        reason, status = f"550 5.1.1 <{person.email}>: user unknown", "5.1.1"
        is_cleared = self.chance(message.message_id, "cleared") < CLEARED
        until = at + CLEARED_AFTER_DAYS * DAY_SECONDS if is_cleared else NEVER_US
        known = {"type": "bounce", "bounce_classification": "Invalid Address"}
        self.note(message, "bounce", 3, reason=reason, status=status, **known)
        self.suppress(person, "bounces", at + 3, until, reason, status)
        self.blocked[person.email] = ("Bounced Address", at + 3, until)

    def react(self, message: Message, delivered: int) -> None:
        """Note what the recipient and its machine did."""
        person, name = message.person, message.message_id
        if person.has_machine:
            wait = delivered + 20 + int(self.chance(name, "machine") * 600)
            self.note(message, "open", wait, sg_machine_open=True, **where(MACHINE_AGENT))
        page = f"{ORDER_PAGE}/{message.order_id}"
        if person.has_scanner:
            # follows every link, one a second
            for after, url in enumerate((page, *OTHER_PAGES), start=delivered + 3):
                self.note(message, "click", after, url=url, **where(SCANNER_AGENT, SCANNER_IP))
        if self.chance(name, "complaint") < COMPLAINTS:
            self.note(message, "spamreport", delivered + 7200)
            self.suppress(person, "spam_reports", message.sent_at + delivered + 7200)
            since = message.sent_at + delivered + 7200
            self.blocked[person.email] = ("Spam Reporting Address", since, NEVER_US)
            return
        if self.chance(name, "open") >= OPENERS:
            return
        wait = delivered + 60 + int(self.chance(name, "wait") ** 3 * 3 * DAY_SECONDS)
        self.note(message, "open", wait, sg_machine_open=False, **where(HUMAN_AGENT))
        if self.chance(name, "click") < CLICKERS:
            self.note(message, "click", wait + 15, url=page, **where(HUMAN_AGENT))
        if message.kind == "shipping" and self.chance(name, "leave") < LEAVERS:
            self.note(message, "group_unsubscribe", wait + 30, **where(HUMAN_AGENT))
            self.suppress(person, "group", message.sent_at + wait + 30)
            self.left_group.add(person.email)

    def note(self, message: Message, event: str, after: int, **more: Any) -> None:
        """Keep an event as the webhook would send it; `account` is no part of that."""
        name, at = message.message_id, message.sent_at + after
        row = {
            "account": message.person.account,
            "email": message.person.email,
            "timestamp": at,
            "smtp-id": f"<{name[:16]}@geopod-ismtpd-1>",
            "event": event,
            "category": CATEGORIES[message.kind],
            "sg_event_id": self.digest(name, event, at, more.get("sg_machine_open"))[:32],
            "sg_message_id": f"{name}.recvd-5f9c",
            "order_id": message.order_id,
        }
        if message.kind == "shipping":
            row["asm_group_id"] = GROUP_ID
        self.box.events.append(row | more)

    def suppress(
        self,
        person: Person,
        kind: str,
        created: int,
        removed: int = NEVER_US,
        reason: str = "",
        status: str = "",
    ) -> None:
        """Put an address on a list."""
        entry = Suppression(person.account, kind, person.email, created, removed, reason, status)
        self.box.suppressions.append(entry)

    def suppress_invalid(self, person: Person, created: int) -> None:
        """Put an address that was never one on its list, once."""
        if person.email not in self.invalid:
            self.invalid.add(person.email)
            reason = "Mail domain mentioned in email address is unknown"
            self.suppress(person, "invalid_emails", created, reason=reason)


def where(user_agent: str, ip: str = HUMAN_IP) -> dict[str, str]:
    """Return what the webhook tells of a device."""
    return {"useragent": user_agent, "ip": ip}


def seconds_of(table: Any, name: str) -> list[int]:
    """Return a column of times in seconds."""
    return [us if us == NEVER_US else us // 1_000_000 for us in int_column(table, name).tolist()]


def people_of(world: WorldFiles) -> dict[int, Person]:
    """Return the buyers, by number; all of them have an address."""
    people, sends, events = (world.table(n) for n in ("people", "mail_sends", "mail_events"))
    buyers = set(world.table("orders")["person"].to_pylist())
    receiver = int_column(sends, "person").tolist()
    dead_at: dict[int, int] = {}
    for person, status, at in zip(
        receiver, sends["status"].to_pylist(), seconds_of(sends, "sent_at"), strict=True
    ):
        if status == "hard":
            dead_at[person] = min(at, dead_at.get(person, NEVER_US))
    acted = zip(
        int_column(events, "send").tolist(),
        events["action"].to_pylist(),
        events["is_machine"].to_pylist(),
        strict=True,
    )
    machines = {receiver[send] for send, action, flag in acted if flag and action == "open"}
    rows = zip(
        people["email"].to_pylist(),
        people["is_eur"].to_pylist(),
        seconds_of(people, "opted_out_at"),
        people["has_scanner"].to_pylist(),
        strict=True,
    )
    return {
        index: Person(
            email,
            SUBUSER if is_eur else MAIN,
            opted_out_at,
            dead_at.get(index, NEVER_US),
            index in machines,
            has_scanner,
        )
        for index, (email, is_eur, opted_out_at, has_scanner) in enumerate(rows)
        if index in buyers
    }
