"""Who got which mail, and how a mail ends a membership."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.chance import BoolArray, IntArray, stream
from marketing_analytics.simulate.world.customers.people import NEVER_US, People
from marketing_analytics.simulate.world.customers.purchases import Orders
from marketing_analytics.simulate.world.mail.plan import Mail, MailPlan
from marketing_analytics.simulate.world.parameters import DAY_US, SECOND_US, WorldParameters
from marketing_analytics.simulate.world.web.visits import CART_DEPTH, EMAIL_SOURCE, Sketch

# a mail older than that is not what brought someone back
CLICK_REACH_US = 12 * DAY_US
STATUS_SENT, STATUS_HARD, STATUS_SOFT = 0, 1, 2
# flows that one member in ten is never sent, so that their effect can be told
HELD_FLOWS, HELD_SHARE = ("welcome",), 0.1


@dataclass(frozen=True)
class Sends:
    """One row per mail and recipient, sorted by person and time."""

    mail: IntArray
    person: IntArray
    sent_us: IntArray
    status: IntArray
    unsubscribed_us: IntArray


class Triggers:
    """(person, moment) lists that start the flows, by flow key."""

    def __init__(
        self, parameters: WorldParameters, people: People, orders: Orders, sketch: Sketch
    ) -> None:
        # never is beyond the end, so this leaves out who never signed up
        subscribed = np.flatnonzero(people.subscribed_us < parameters.end_us)
        is_cart = (sketch.depth >= CART_DEPTH) & (sketch.order < 0)
        # the shop writes to a full cart only when it knows whose cart it is
        is_known = people.subscribed_us[sketch.person] < sketch.start_us
        carts = np.flatnonzero(is_cart & is_known)
        last_us = next_order_us(orders)
        self.moments: dict[str, tuple[IntArray, IntArray, IntArray]] = {
            "welcome": (subscribed, people.subscribed_us[subscribed], never(len(subscribed))),
            "abandoned_cart": (
                sketch.person[carts],
                sketch.end_us[carts],
                order_after(orders, sketch.person[carts], sketch.end_us[carts]),
            ),
            "post_purchase": (orders.person, orders.ordered_us, never(len(orders.person))),
            "win_back": (orders.person, orders.ordered_us, last_us),
        }


def never(count: int) -> IntArray:
    """Return `count` times never."""
    return np.full(count, NEVER_US, dtype=np.int64)


def next_order_us(orders: Orders) -> IntArray:
    """Return when the same customer ordered next."""
    # next to each other in this order: a customer's order and the one after it
    by_customer = np.lexsort((orders.ordered_us, orders.person))
    customer, moment = orders.person[by_customer], orders.ordered_us[by_customer]
    following = np.full(len(moment), NEVER_US, dtype=np.int64)
    is_same = customer[1:] == customer[:-1]
    following[:-1][is_same] = moment[1:][is_same]
    result = np.empty(len(moment), dtype=np.int64)
    result[by_customer] = following
    return result


def order_after(orders: Orders, persons: IntArray, moments: IntArray) -> IntArray:
    """Return the person's first order after each moment, or never."""
    # one sorted list of (person, second): the next order is one binary search away
    keys = pair_keys(orders.person, orders.ordered_us)
    order = np.argsort(keys, kind="stable")
    position = np.searchsorted(keys[order], pair_keys(persons, moments), side="right")
    inside = position < len(keys)
    # beyond the last key there is no order; the mask throws the stand-in away
    found = order[np.minimum(position, len(keys) - 1)]
    is_same = inside & (orders.person[found] == persons)
    return np.where(is_same, orders.ordered_us[found], NEVER_US).astype(np.int64)


def pair_keys(persons: IntArray, moments_us: IntArray) -> IntArray:
    """Return one sortable number per (person, second)."""
    # 34 bits hold seconds until the year 2514
    return np.asarray(persons * (1 << 34) + moments_us // SECOND_US, dtype=np.int64)


def held_out(parameters: WorldParameters, people: People, key: str) -> BoolArray:
    """Return who is never sent a flow, by its key."""
    if key not in HELD_FLOWS:
        return np.zeros(people.count, dtype=bool)
    rng = stream(parameters.seed, f"held out of {key}")
    return np.asarray(rng.random(people.count) < HELD_SHARE)


def newsletter_sends(people: People, mail: Mail) -> IntArray:
    """Return who gets one newsletter."""
    is_member = (people.subscribed_us <= mail.sent_us) & (people.opted_out_us > mail.sent_us)
    return np.flatnonzero(is_member & (people.is_eur == mail.is_eur)).astype(np.int64)


def build_sends(
    parameters: WorldParameters, plan: MailPlan, people: People, orders: Orders, sketch: Sketch
) -> Sends:
    """Return every mail that went out; nobody gets one after leaving the list."""
    rng = stream(parameters.seed, "sends")
    triggers = Triggers(parameters, people, orders, sketch)
    keys = {flow.flow_id: flow.key for flow in plan.flows}
    mails, persons, moments = [], [], []
    for index, mail in enumerate(plan.mails):
        if mail.flow:
            person, trigger_us, stop_us = triggers.moments[keys[mail.flow]]
            # automations run in batches: up to ten minutes after their time
            sent_us = trigger_us + mail.delay_us + rng.integers(20, 600, len(person)) * SECOND_US
            # the order that a mail asks for stops it
            keep = (stop_us > sent_us) & (people.is_eur[person] == mail.is_eur)
            keep &= ~held_out(parameters, people, keys[mail.flow])[person]
            person, sent_us = person[keep], sent_us[keep]
        else:
            person = newsletter_sends(people, mail)
            # a newsletter goes out over a quarter of an hour
            sent_us = mail.sent_us + rng.integers(0, 900, len(person)) * SECOND_US
        mails.append(np.full(len(person), index, dtype=np.int64))
        persons.append(person)
        moments.append(sent_us)
    joined = np.concatenate(mails), np.concatenate(persons), np.concatenate(moments)
    return settle_sends(parameters, people, *joined, rng=rng)


def settle_sends(
    parameters: WorldParameters,
    people: People,
    mail: IntArray,
    person: IntArray,
    sent_us: IntArray,
    *,
    rng: np.random.Generator,
) -> Sends:
    """Drop what the person may not get; the last mail before a member leaves ends it."""
    is_member = (people.subscribed_us[person] <= sent_us) & (people.opted_out_us[person] > sent_us)
    is_member &= sent_us < people.left_us[person]
    keep = np.flatnonzero(is_member & (sent_us < parameters.end_us))
    keep = keep[np.lexsort((mail[keep], sent_us[keep], person[keep]))]
    # a flow writes a step to a person once
    # 20 bits are more mails than any world plans
    step = person[keep] * (1 << 20) + mail[keep]
    _, first = np.unique(step, return_index=True)
    # unique gives the order of keys; sorted indexes bring back that of time
    keep = keep[np.sort(first)]
    mail, person, sent_us = mail[keep], person[keep], sent_us[keep]
    status = np.where(rng.random(len(keep)) < 0.004, STATUS_SOFT, STATUS_SENT).astype(np.int64)
    # the last mail before the end of a membership ends it
    is_last = np.append(person[1:] != person[:-1], True) & (people.left_us[person] < NEVER_US)
    is_dead = is_last & people.has_dead_mailbox[person]
    status[is_last] = np.where(is_dead[is_last], STATUS_HARD, STATUS_SENT)
    # two minutes at least: opening, reading, finding the link
    wish_us = np.maximum(people.left_us[person], sent_us + 120 * SECOND_US)
    left_us = np.where(is_last & ~is_dead, wish_us, NEVER_US).astype(np.int64)
    return Sends(mail, person, sent_us, status, left_us)


def mails_of_sessions(sends: Sends, sketch: Sketch) -> IntArray:
    """Return the latest mail each e-mail session can have come from, or -1."""
    result = np.full(len(sketch.person), -1, dtype=np.int64)
    rows = np.flatnonzero(sketch.source == EMAIL_SOURCE)
    if len(sends.person) == 0 or len(rows) == 0:
        return result
    keys = pair_keys(sends.person, sends.sent_us)
    # a minute before the visit: the mail has to arrive first
    wanted = pair_keys(sketch.person[rows], sketch.start_us[rows] - 60 * SECOND_US)
    # sends are sorted by person and time: the one before is the latest
    position = np.searchsorted(keys, wanted, side="right") - 1
    found = np.maximum(position, 0)
    fits = (position >= 0) & (sends.person[found] == sketch.person[rows])
    fits &= sketch.start_us[rows] - sends.sent_us[found] <= CLICK_REACH_US
    fits &= (sends.status[found] == STATUS_SENT) & (
        sketch.start_us[rows] < sends.unsubscribed_us[found]
    )
    result[rows[fits]] = found[fits]
    return result
