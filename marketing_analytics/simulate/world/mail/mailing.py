"""E-mail: newsletters and automation flows, who got them and what they did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.chance import (
    BoolArray,
    IntArray,
    rank_within,
    stream,
)
from marketing_analytics.simulate.world.customers.people import NEVER_US, People
from marketing_analytics.simulate.world.customers.purchases import Orders
from marketing_analytics.simulate.world.parameters import (
    DAY_US,
    HOUR_US,
    SECOND_US,
    WorldParameters,
)
from marketing_analytics.simulate.world.web.visits import CART_DEPTH, EMAIL_SOURCE, Sketch

CLICK_REACH_US = 12 * DAY_US
UNSUBSCRIBE_RATE = 0.0025
STATUS_SENT, STATUS_HARD, STATUS_SOFT = 0, 1, 2
OPEN, MACHINE_OPEN, CLICK, BOUNCE = 0, 1, 2, 3
ACTIONS = ("open", "open", "click", "bounce")
NEWSLETTER_TOPICS = (
    "New arrivals this week",
    "Our best sellers, back in stock",
    "Three ideas for the weekend",
    "Made to last: behind the scenes",
    "Your favourites, now in new colours",
)
PROMOTION_TOPICS = ("48 hours: 15% off", "Free shipping until Sunday", "Last chance to save")


@dataclass(frozen=True)
class MailList:
    """One audience."""

    list_id: str
    name: str
    is_eur: bool


@dataclass(frozen=True)
class Mail:
    """One newsletter (`flow` empty) or one step of an automation flow.

    Newsletters have `sent_us`; steps have a delay after their trigger.
    """

    campaign_id: str
    list_id: str
    is_eur: bool
    title: str
    subject: str
    created_us: int
    sent_us: int
    flow: str = ""
    position: int = 0
    delay_us: int = 0


@dataclass(frozen=True)
class Flow:
    """One automation of one list."""

    flow_id: str
    key: str
    title: str
    list_id: str
    is_eur: bool
    created_us: int


@dataclass(frozen=True)
class MailPlan:
    """Lists, newsletters and flows of the world."""

    lists: tuple[MailList, ...]
    mails: tuple[Mail, ...]
    flows: tuple[Flow, ...]


@dataclass(frozen=True)
class Sends:
    """One row per mail and recipient, sorted by person and time."""

    mail: IntArray
    person: IntArray
    sent_us: IntArray
    status: IntArray
    unsubscribed_us: IntArray


@dataclass(frozen=True)
class MailEvents:
    """Opens, machine opens, clicks and bounces, sorted by send and time."""

    send: IntArray
    kind: IntArray
    at_us: IntArray


# key, title, (delay in hours, subject) per step
FLOW_PLANS: tuple[tuple[str, str, tuple[tuple[int, str], ...]], ...] = (
    (
        "welcome",
        "Welcome series",
        ((0, "Welcome aboard"), (72, "What our customers love"), (168, "A gift for your start")),
    ),
    (
        "abandoned_cart",
        "Abandoned cart",
        ((1, "You left something behind"), (24, "Still thinking about it?")),
    ),
    (
        "post_purchase",
        "After the purchase",
        ((168, "How do you like it?"), (504, "Goes well with your order")),
    ),
    (
        "win_back",
        "Win back",
        ((1_080, "We miss you"), (1_440, "10% to see you again")),
    ),
)


def mail_id(rng: np.random.Generator) -> str:
    """Return a ten-digit hexadecimal id as Mailchimp hands out."""
    return f"{int(rng.integers(16**9, 16**10)):010x}"


def newsletter_times(parameters: WorldParameters, hour: int) -> list[tuple[int, int]]:
    """Return (moment, kind) of newsletters: Tuesdays, and promotions every second Thursday."""
    moments = []
    for day in range(parameters.start_day + 2, parameters.end_day + 1):
        weekday = (day + 3) % 7
        if weekday == 1:
            moments.append((day * DAY_US + hour * HOUR_US, 0))
        elif weekday == 3 and (day // 7) % 2 == 0:
            moments.append((day * DAY_US + (hour + 1) * HOUR_US, 1))
    return moments


def plan_flows(
    parameters: WorldParameters, audience: MailList, rng: np.random.Generator
) -> tuple[list[Flow], list[Mail]]:
    """Return the flows of one list and their steps."""
    flows, mails = [], []
    created_us = parameters.start_us - 20 * DAY_US
    for key, title, steps in FLOW_PLANS:
        flow = Flow(mail_id(rng), key, title, audience.list_id, audience.is_eur, created_us)
        flows.append(flow)
        for position, (delay_hours, subject) in enumerate(steps, start=1):
            mails.append(
                Mail(
                    campaign_id=mail_id(rng),
                    list_id=audience.list_id,
                    is_eur=audience.is_eur,
                    title=f"{title} {position}",
                    subject=subject,
                    created_us=created_us,
                    sent_us=0,
                    flow=flow.flow_id,
                    position=position,
                    delay_us=delay_hours * HOUR_US,
                )
            )
    return flows, mails


def plan_newsletters(
    parameters: WorldParameters, audience: MailList, rng: np.random.Generator
) -> list[Mail]:
    """Return the newsletters of one list."""
    mails = []
    times = newsletter_times(parameters, 7 if audience.is_eur else 14)
    for number, (sent_us, kind) in enumerate(times, start=1):
        topics = PROMOTION_TOPICS if kind else NEWSLETTER_TOPICS
        region = "EU" if audience.is_eur else "US"
        mails.append(
            Mail(
                campaign_id=mail_id(rng),
                list_id=audience.list_id,
                is_eur=audience.is_eur,
                title=f"{region} {'promotion' if kind else 'newsletter'} {number:03d}",
                subject=topics[number % len(topics)],
                created_us=sent_us - 26 * HOUR_US,
                sent_us=sent_us,
            )
        )
    # every audience has a draft lying around that was never sent
    created_us = parameters.end_us - 2 * DAY_US
    draft = Mail(mail_id(rng), audience.list_id, audience.is_eur, "Draft", "", created_us, 0)
    return [*mails, draft]


def plan_mails(parameters: WorldParameters) -> MailPlan:
    """Return the mail plan of one world."""
    rng = stream(parameters.seed, "mail plan")
    lists = (
        MailList(mail_id(rng), "Customers US", is_eur=False),
        MailList(mail_id(rng), "Customers EU", is_eur=True),
    )
    mails: list[Mail] = []
    flows: list[Flow] = []
    for audience in lists:
        mails += plan_newsletters(parameters, audience, rng)
        made_flows, made_mails = plan_flows(parameters, audience, rng)
        flows += made_flows
        mails += made_mails
    return MailPlan(lists, tuple(mails), tuple(flows))


class Triggers:
    """(person, moment) lists that start the flows, by flow key."""

    def __init__(
        self, parameters: WorldParameters, people: People, orders: Orders, sketch: Sketch
    ) -> None:
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
            "post_purchase": (orders.customer, orders.ordered_us, never(len(orders.customer))),
            "win_back": (orders.customer, orders.ordered_us, last_us),
        }


def never(count: int) -> IntArray:
    """Return `count` times never."""
    return np.full(count, NEVER_US, dtype=np.int64)


def next_order_us(orders: Orders) -> IntArray:
    """Return when the same customer ordered next."""
    by_customer = np.lexsort((orders.ordered_us, orders.customer))
    customer, moment = orders.customer[by_customer], orders.ordered_us[by_customer]
    following = np.full(len(moment), NEVER_US, dtype=np.int64)
    is_same = customer[1:] == customer[:-1]
    following[:-1][is_same] = moment[1:][is_same]
    result = np.empty(len(moment), dtype=np.int64)
    result[by_customer] = following
    return result


def order_after(orders: Orders, persons: IntArray, moments: IntArray) -> IntArray:
    """Return the person's first order after each moment, or never."""
    keys = pair_keys(orders.customer, orders.ordered_us)
    order = np.argsort(keys, kind="stable")
    position = np.searchsorted(keys[order], pair_keys(persons, moments), side="right")
    inside = position < len(keys)
    found = order[np.minimum(position, len(keys) - 1)]
    is_same = inside & (orders.customer[found] == persons)
    return np.where(is_same, orders.ordered_us[found], NEVER_US).astype(np.int64)


def pair_keys(persons: IntArray, moments_us: IntArray) -> IntArray:
    """Return one sortable number per (person, second)."""
    return np.asarray(persons * (1 << 34) + moments_us // SECOND_US, dtype=np.int64)


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
            sent_us = trigger_us + mail.delay_us + rng.integers(20, 600, len(person)) * SECOND_US
            keep = (stop_us > sent_us) & (people.is_eur[person] == mail.is_eur)
            person, sent_us = person[keep], sent_us[keep]
        else:
            person = newsletter_sends(people, mail)
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
    """Drop what the person may not get, then let bounces and unsubscribes end the rest."""
    is_member = (people.subscribed_us[person] <= sent_us) & (people.opted_out_us[person] > sent_us)
    keep = np.flatnonzero(is_member & (sent_us < parameters.end_us))
    keep = keep[np.lexsort((mail[keep], sent_us[keep], person[keep]))]
    # a flow writes a step to a person once
    step = person[keep] * (1 << 20) + mail[keep]
    _, first = np.unique(step, return_index=True)
    keep = keep[np.sort(first)]
    mail, person, sent_us = mail[keep], person[keep], sent_us[keep]
    status = np.where(rng.random(len(keep)) < 0.004, STATUS_SOFT, STATUS_SENT)
    status = np.where(rng.random(len(keep)) < 0.0015, STATUS_HARD, status).astype(np.int64)
    delay_us = (120 + rng.exponential(9_000, len(keep))).astype(np.int64) * SECOND_US
    wish = (rng.random(len(keep)) < UNSUBSCRIBE_RATE) & (status == STATUS_SENT)
    left_us = np.where(
        wish & (sent_us + delay_us < parameters.end_us), sent_us + delay_us, NEVER_US
    )
    is_last = (left_us < NEVER_US) | (status == STATUS_HARD)
    kept = before_first_end(person, is_last)
    # the row that ends the membership stays, later ones were never sent
    left_us = left_us.astype(np.int64)
    return Sends(mail[kept], person[kept], sent_us[kept], status[kept], left_us[kept])


def before_first_end(person: IntArray, is_last: BoolArray) -> IntArray:
    """Return the rows up to and including each person's first `is_last`."""
    running: IntArray = np.cumsum(is_last) - is_last
    starts = np.flatnonzero(rank_within(person) == 0)
    base: IntArray = np.repeat(running[starts], np.diff(np.concatenate([starts, [len(person)]])))
    return np.flatnonzero(running == base).astype(np.int64)


def mails_of_sessions(sends: Sends, sketch: Sketch) -> IntArray:
    """Return the latest mail each e-mail session can have come from, or -1."""
    result = np.full(len(sketch.person), -1, dtype=np.int64)
    rows = np.flatnonzero(sketch.source == EMAIL_SOURCE)
    if len(sends.person) == 0 or len(rows) == 0:
        return result
    keys = pair_keys(sends.person, sends.sent_us)
    wanted = pair_keys(sketch.person[rows], sketch.start_us[rows] - 60 * SECOND_US)
    position = np.searchsorted(keys, wanted, side="right") - 1
    found = np.maximum(position, 0)
    fits = (position >= 0) & (sends.person[found] == sketch.person[rows])
    fits &= sketch.start_us[rows] - sends.sent_us[found] <= CLICK_REACH_US
    fits &= (sends.status[found] == STATUS_SENT) & (
        sketch.start_us[rows] < sends.unsubscribed_us[found]
    )
    result[rows[fits]] = found[fits]
    return result


def waits(rng: np.random.Generator, count: int, mean_seconds: float) -> IntArray:
    """Return delays in microseconds, a minute at least."""
    seconds = np.asarray(60 + rng.exponential(mean_seconds, count)).astype(np.int64)
    return np.asarray(seconds * SECOND_US, dtype=np.int64)


Part = tuple[IntArray, int, IntArray]


def draw_clicks(
    rng: np.random.Generator, sends: Sends, session_mail: IntArray, session_start_us: IntArray
) -> tuple[Part, Part]:
    """Return the clicks behind sessions, and those whose visit was never seen."""
    count = len(sends.person)
    linked = np.flatnonzero(session_mail >= 0)
    linked_send = session_mail[linked]
    click_us = session_start_us[linked] - rng.integers(1, 5, len(linked)) * SECOND_US
    is_clicked = np.zeros(count, dtype=bool)
    is_clicked[linked_send] = True
    is_idle = (sends.status == STATUS_SENT) & (rng.random(count) < 0.006) & ~is_clicked
    idle = np.flatnonzero(is_idle).astype(np.int64)
    idle_us = sends.sent_us[idle] + waits(rng, len(idle), 20_000)
    return (linked_send, CLICK, click_us), (idle, CLICK, idle_us)


def draw_opens(
    rng: np.random.Generator, people: People, sends: Sends, clicks: tuple[Part, Part]
) -> tuple[Part, Part, Part]:
    """Return first opens, repeated opens and opens by machines; who clicks has opened before."""
    first_click = never(len(sends.person))
    for send, _, click_us in clicks:
        np.minimum.at(first_click, send, click_us)
    is_delivered = sends.status == STATUS_SENT
    is_reader = (rng.random(len(sends.person)) < 0.21) | (first_click < NEVER_US)
    reader = np.flatnonzero(is_delivered & is_reader).astype(np.int64)
    open_us = sends.sent_us[reader] + waits(rng, len(reader), 25_000)
    open_us = np.minimum(open_us, first_click[reader] - 5 * SECOND_US)
    again = reader[rng.random(len(reader)) < 0.22]
    again_us = sends.sent_us[again] + waits(rng, len(again), 90_000)
    machine = np.flatnonzero(is_delivered & people.uses_machine_opens[sends.person])
    machine_us = sends.sent_us[machine] + waits(rng, len(machine), 1_800)
    return (reader, OPEN, open_us), (again, OPEN, again_us), (machine, MACHINE_OPEN, machine_us)


def build_mail_events(
    parameters: WorldParameters,
    people: People,
    sends: Sends,
    session_mail: IntArray,
    session_start_us: IntArray,
) -> MailEvents:
    """Return what recipients and their machines did; every e-mail session has its click."""
    rng = stream(parameters.seed, "mail events")
    clicks = draw_clicks(rng, sends, session_mail, session_start_us)
    bounced = np.flatnonzero(sends.status != STATUS_SENT)
    bounce: Part = (bounced, BOUNCE, sends.sent_us[bounced] + SECOND_US)
    parts = (*draw_opens(rng, people, sends, clicks), *clicks, bounce)
    send = np.concatenate([part[0] for part in parts]).astype(np.int64)
    kind = np.concatenate([np.full(len(part[0]), part[1], dtype=np.int64) for part in parts])
    at_us = np.concatenate([part[2] for part in parts]).astype(np.int64)
    at_us = np.maximum(at_us, sends.sent_us[send] + SECOND_US)
    keep = np.flatnonzero(at_us < parameters.end_us)
    keep = keep[np.lexsort((kind[keep], at_us[keep], send[keep]))]
    return MailEvents(send[keep], kind[keep], at_us[keep])
