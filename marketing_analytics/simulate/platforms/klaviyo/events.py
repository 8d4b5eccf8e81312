"""The events of the account in order of time, and which of them exist at a moment.

Two things change afterwards, as they do at Klaviyo. Every fifth order is imported late: its event
is written with a time that lies up to three days back. And a day after the world's last moment the
profiles that the shop made twice are merged: their events are then those of the other profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketing_analytics.simulate.emulation.world_files import (
    NEVER_US,
    IntArray,
    WorldFiles,
    int_column,
)
from marketing_analytics.simulate.platforms.klaviyo.query import RANGE, Condition, compare

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
SECOND_US = 1_000_000
METRICS = (
    "Received Email",
    "Bounced Email",
    "Opened Email",
    "Clicked Email",
    "Unsubscribed from Email Marketing",
    "Subscribed to Email Marketing",
    "Placed Order",
    "Refunded Order",
)
RECEIVED, BOUNCED, OPENED, CLICKED, LEFT, JOINED, ORDERED, REFUNDED = range(len(METRICS))
OF_ACTIONS = {"bounce": BOUNCED, "open": OPENED, "click": CLICKED}
# those orders of a day are imported at two in the third night after it
IMPORT_US = 74 * HOUR_US
LATE_SHARE = 5


class EventLog:
    """All events of the persons that are in the account."""

    def __init__(self, world: WorldFiles, is_member: NDArray[np.bool_]) -> None:
        self.parts: list[tuple[int, IntArray, IntArray, IntArray]] = []
        people = world.table("people")
        joined_us = int_column(people, "subscribed_at")
        everyone = np.arange(len(joined_us), dtype=np.int64)
        self.add(JOINED, joined_us, everyone, everyone)
        self.add_mail(world)
        self.add_orders(world)
        kind, at_us, person, ref = self.joined()
        keep = np.flatnonzero(is_member[person] & (at_us < NEVER_US))
        keep = keep[np.lexsort((ref[keep], kind[keep], at_us[keep]))]
        self.kind, self.at_us = kind[keep], at_us[keep]
        self.person, self.ref = person[keep], ref[keep]
        is_late = (self.kind == ORDERED) & (self.ref % LATE_SHARE == 3)
        imported_us = self.at_us // DAY_US * DAY_US + IMPORT_US
        self.written_us = np.where(is_late, imported_us, self.at_us)

    def add(self, kind: int, at_us: IntArray, person: IntArray, ref: IntArray) -> None:
        """Add events of one metric."""
        self.parts.append((kind, at_us, person, ref))

    def joined(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Return the columns of all parts: metric, time, person, row of the world."""
        kinds = [np.full(len(at_us), kind, dtype=np.int64) for kind, at_us, _, _ in self.parts]
        columns = [np.concatenate([part[i] for part in self.parts]) for i in (1, 2, 3)]
        return np.concatenate(kinds), columns[0], columns[1], columns[2]

    def add_mail(self, world: WorldFiles) -> None:
        """Add what was delivered, and what recipients did with it."""
        sends, events = world.table("mail_sends"), world.table("mail_events")
        self.send_mail = int_column(sends, "mail")
        self.send_person = int_column(sends, "person")
        sent_us = int_column(sends, "sent_at")
        status = np.asarray(sends["status"].to_pylist(), dtype=object)
        self.is_hard = status == "hard"
        delivered = np.flatnonzero(status == "sent").astype(np.int64)
        self.add(RECEIVED, sent_us[delivered], self.send_person[delivered], delivered)
        every = np.arange(sends.num_rows, dtype=np.int64)
        self.left_us = int_column(sends, "unsubscribed_at")
        self.add(LEFT, self.left_us, self.send_person, every)
        self.event_send = int_column(events, "send")
        self.is_machine: list[bool] = events["is_machine"].to_pylist()
        self.url: list[str | None] = events["url"].to_pylist()
        at_us = int_column(events, "at")
        action = np.asarray(events["action"].to_pylist(), dtype=object)
        for name, kind in OF_ACTIONS.items():
            rows = np.flatnonzero(action == name).astype(np.int64)
            self.add(kind, at_us[rows], self.send_person[self.event_send[rows]], rows)

    def add_orders(self, world: WorldFiles) -> None:
        """Add orders and refunds."""
        orders, refunds = world.table("orders"), world.table("refunds")
        self.order_ids: list[str] = orders["order_id"].to_pylist()
        self.order_cents: list[int] = orders["total_cents"].to_pylist()
        self.currency: list[str] = orders["currency"].to_pylist()
        person = ints(orders["person"].to_pylist())
        every = np.arange(len(person), dtype=np.int64)
        self.add(ORDERED, int_column(orders, "ordered_at"), person, every)
        row_of = {name: row for row, name in enumerate(self.order_ids)}
        self.refund_ids: list[str] = refunds["refund_id"].to_pylist()
        self.refund_cents: list[int] = refunds["amount_cents"].to_pylist()
        self.refund_order: list[int] = [row_of[name] for name in refunds["order_id"].to_pylist()]
        of_order = ints(self.refund_order)
        rows = np.arange(len(of_order), dtype=np.int64)
        self.add(REFUNDED, int_column(refunds, "refunded_at"), person[of_order], rows)

    def is_hard_bounce(self, event: int) -> bool:
        """Return whether a bounce, a row of the world's mail events, ends a membership."""
        return bool(self.is_hard[self.event_send[event]])

    def visible(
        self,
        now_us: int,
        conditions: tuple[Condition, ...] = (),
        events_of: Mapping[str, Callable[[str], NDArray[np.bool_]]] | None = None,
    ) -> IntArray:
        """Return the events that are written by now and pass all conditions, oldest first.

        `events_of` tells by field which events are of a metric or profile.
        """
        mask = (self.written_us <= now_us) & (self.at_us <= now_us)
        for condition in conditions:
            if condition.operator in RANGE:
                mask &= compare(condition.operator, self.at_us // SECOND_US, condition.value)
            elif events_of and condition.field in events_of:
                mask &= events_of[condition.field](condition.value)
        return np.flatnonzero(mask).astype(np.int64)


def ints(values: Any) -> IntArray:
    """Return whole numbers as an array."""
    return np.asarray(list(values), dtype=np.int64)
