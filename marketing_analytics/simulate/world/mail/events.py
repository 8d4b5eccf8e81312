"""What recipients, and machines in their name, did with the mail.

Two kinds of machines: Apple's proxy loads the pictures of every mail of its users, and the security
scanners of offices follow every link of a mail seconds after it arrived.

One person in twenty reads nearly every mail, as a machine opens them; the others one in six.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.chance import FloatArray, IntArray, pick, stream
from marketing_analytics.simulate.world.customers.people import NEVER_US, People
from marketing_analytics.simulate.world.customers.ties import Ties, interest
from marketing_analytics.simulate.world.mail.plan import LINK_WEIGHTS, LINKS
from marketing_analytics.simulate.world.mail.sends import STATUS_SENT, Sends, never
from marketing_analytics.simulate.world.parameters import SECOND_US, WorldParameters

OPEN, MACHINE_OPEN, CLICK, BOUNCE, MACHINE_CLICK = range(5)
ACTIONS = ("open", "open", "click", "bounce", "click")
MACHINES = (MACHINE_OPEN, MACHINE_CLICK)
NO_LINK = -1
# a scanner is done before any person could have read: those take a minute at least
SCAN_SECONDS = (2, 50)
FOND_SHARE, FOND_OPENS, OTHER_OPENS = 0.05, 0.9, 0.17


@dataclass(frozen=True)
class MailEvents:
    """Opens, clicks, those of machines, and bounces, sorted by send and time.

    `link` is the place of the clicked link in LINKS, or -1.
    """

    send: IntArray
    kind: IntArray
    at_us: IntArray
    link: IntArray


def waits(rng: np.random.Generator, count: int, mean_seconds: float) -> IntArray:
    """Return delays in microseconds, a minute at least."""
    # exponential: most react within hours, some after days
    seconds = np.asarray(60 + rng.exponential(mean_seconds, count)).astype(np.int64)
    return np.asarray(seconds * SECOND_US, dtype=np.int64)


Part = tuple[IntArray, int, IntArray]


def draw_scans(parameters: WorldParameters, people: People, sends: Sends) -> MailEvents:
    """Return the clicks of scanners: every link of a mail, one a second."""
    rng = stream(parameters.seed, "mail scanners")
    is_scanned = (sends.status == STATUS_SENT) & people.has_scanner[sends.person]
    scanned = np.flatnonzero(is_scanned).astype(np.int64)
    begin_us = sends.sent_us[scanned] + rng.integers(*SCAN_SECONDS, len(scanned)) * SECOND_US
    # whole scans only: none is cut by the end of the world
    keep = begin_us + len(LINKS) * SECOND_US < parameters.end_us
    send = np.repeat(scanned[keep], len(LINKS))
    link = np.tile(np.arange(len(LINKS), dtype=np.int64), int(keep.sum()))
    at_us = np.repeat(begin_us[keep], len(LINKS)) + link * SECOND_US
    return MailEvents(send, np.full(len(send), MACHINE_CLICK, dtype=np.int64), at_us, link)


def clicked_links(parameters: WorldParameters, kind: IntArray) -> IntArray:
    """Return which link people clicked, -1 where they did something else."""
    rng = stream(parameters.seed, "clicked links")
    return np.where(kind == CLICK, pick(rng, LINK_WEIGHTS, len(kind)), NO_LINK).astype(np.int64)


def draw_clicks(
    rng: np.random.Generator, sends: Sends, session_mail: IntArray, session_start_us: IntArray
) -> tuple[Part, Part]:
    """Return the clicks behind sessions, and those whose visit was never seen."""
    count = len(sends.person)
    linked = np.flatnonzero(session_mail >= 0)
    linked_send = session_mail[linked]
    # the click comes some seconds before the page is loaded
    click_us = session_start_us[linked] - rng.integers(1, 5, len(linked)) * SECOND_US
    is_clicked = np.zeros(count, dtype=bool)
    is_clicked[linked_send] = True
    # clicks of people whose visit no analytics saw
    is_idle = (sends.status == STATUS_SENT) & (rng.random(count) < 0.006) & ~is_clicked
    idle = np.flatnonzero(is_idle).astype(np.int64)
    idle_us = sends.sent_us[idle] + waits(rng, len(idle), 20_000)
    return (linked_send, CLICK, click_us), (idle, CLICK, idle_us)


def open_shares(
    parameters: WorldParameters, people: People, ties: Ties, sends: Sends
) -> FloatArray:
    """Return how likely each mail is read: by whom, and with how much interest left."""
    is_fond = stream(parameters.seed, "fond readers").random(people.count) < FOND_SHARE
    usual = np.where(is_fond, FOND_OPENS, OTHER_OPENS)[sends.person]
    return np.asarray(usual * interest(parameters, ties, sends.person, sends.sent_us))


def draw_opens(
    rng: np.random.Generator,
    people: People,
    sends: Sends,
    clicks: tuple[Part, Part],
    shares: FloatArray,
) -> tuple[Part, Part, Part]:
    """Return first opens, repeated opens and opens by machines; who clicks has opened before.

    `shares` is how likely each mail is read.
    """
    first_click = never(len(sends.person))
    for send, _, click_us in clicks:
        # several clicks of one send: the first one bounds its open
        np.minimum.at(first_click, send, click_us)
    is_delivered = sends.status == STATUS_SENT
    is_reader = (rng.random(len(sends.person)) < shares) | (first_click < NEVER_US)
    reader = np.flatnonzero(is_delivered & is_reader).astype(np.int64)
    open_us = sends.sent_us[reader] + waits(rng, len(reader), 25_000)
    # who clicks has opened before
    open_us = np.minimum(open_us, first_click[reader] - 5 * SECOND_US)
    again = reader[rng.random(len(reader)) < 0.22]
    again_us = sends.sent_us[again] + waits(rng, len(again), 90_000)
    # Apple's proxy loads the pictures of every mail, read or not
    machine = np.flatnonzero(is_delivered & people.uses_machine_opens[sends.person])
    machine_us = sends.sent_us[machine] + waits(rng, len(machine), 1_800)
    return (reader, OPEN, open_us), (again, OPEN, again_us), (machine, MACHINE_OPEN, machine_us)


def build_mail_events(
    parameters: WorldParameters,
    people: People,
    ties: Ties,
    sends: Sends,
    session_mail: IntArray,
    session_start_us: IntArray,
) -> MailEvents:
    """Return what recipients and their machines did; every e-mail session has its click."""
    rng = stream(parameters.seed, "mail events")
    clicks = draw_clicks(rng, sends, session_mail, session_start_us)
    bounced = np.flatnonzero(sends.status != STATUS_SENT)
    bounce: Part = (bounced, BOUNCE, sends.sent_us[bounced] + SECOND_US)
    shares = open_shares(parameters, people, ties, sends)
    parts = (*draw_opens(rng, people, sends, clicks, shares), *clicks, bounce)
    send = np.concatenate([part[0] for part in parts]).astype(np.int64)
    kind = np.concatenate([np.full(len(part[0]), part[1], dtype=np.int64) for part in parts])
    at_us = np.concatenate([part[2] for part in parts]).astype(np.int64)
    # the bound above may lie before the mail: nothing happens before it is sent
    at_us = np.maximum(at_us, sends.sent_us[send] + SECOND_US)
    scans = draw_scans(parameters, people, sends)
    link = np.concatenate([clicked_links(parameters, kind), scans.link])
    send, kind = np.concatenate([send, scans.send]), np.concatenate([kind, scans.kind])
    at_us = np.concatenate([at_us, scans.at_us])
    keep = np.flatnonzero(at_us < parameters.end_us)
    keep = keep[np.lexsort((link[keep], kind[keep], at_us[keep], send[keep]))]
    return MailEvents(send[keep], kind[keep], at_us[keep], link[keep])
