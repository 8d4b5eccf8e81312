"""What the shop means to mail: lists, newsletters, and the steps of automation flows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.chance import stream
from marketing_analytics.simulate.world.demand.season import is_promotion
from marketing_analytics.simulate.world.parameters import DAY_US, HOUR_US, WorldParameters

NEWSLETTER_TOPICS = (
    "New arrivals this week",
    "Our best sellers, back in stock",
    "Three ideas for the weekend",
    "Made to last: behind the scenes",
    "Your favourites, now in new colours",
)
# what every mail links to, and how often people follow which
LINKS = tuple(
    f"https://www.shop.example{path}"
    for path in ("/", "/products/lamp", "/collections/all", "/account")
)
LINK_WEIGHTS = (2, 1, 1, 0)
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
    is_promotion: bool = False


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
    # from 16^9 on, so that no id is shorter than ten digits
    return f"{int(rng.integers(16**9, 16**10)):010x}"


def newsletter_times(parameters: WorldParameters, hour: int) -> list[tuple[int, int]]:
    """Return (moment, kind) of newsletters: Tuesdays, and promotions every second Thursday."""
    moments = []
    for day in range(parameters.start_day + 2, parameters.end_day + 1):
        # day 0 of 1970 was a Thursday: 0 is Monday
        weekday = (day + 3) % 7
        if weekday == 1:
            moments.append((day * DAY_US + hour * HOUR_US, 0))
        elif is_promotion(day):
            moments.append((day * DAY_US + (hour + 1) * HOUR_US, 1))
    return moments


def plan_flows(
    parameters: WorldParameters, audience: MailList, rng: np.random.Generator
) -> tuple[list[Flow], list[Mail]]:
    """Return the flows of one list and their steps."""
    flows, mails = [], []
    # flows were set up before the world begins, so that its first day has mails
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
    # in the morning where the audience lives, told in UTC
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
                is_promotion=bool(kind),
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
