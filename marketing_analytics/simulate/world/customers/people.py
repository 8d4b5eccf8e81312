"""Customers, visitors, their devices, addresses and consent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.chance import (
    BoolArray,
    IntArray,
    TextArray,
    pick,
    spread,
    stream,
    texts,
)
from marketing_analytics.simulate.world.customers.purchases import Orders
from marketing_analytics.simulate.world.parameters import DAY_US, SECOND_US, WorldParameters

VISITORS_PER_CUSTOMER = 1.6
LEAD_SHARE = 0.16  # of visitors: they gave an address but never bought
SUBSCRIBE_SHARE = 0.78
NEVER_US = 2**62
US_COUNTRIES = ("United States", "Canada")
EU_COUNTRIES = ("Germany", "France", "Netherlands", "Spain", "Italy")
DEVICE_KINDS = ("mobile", "desktop", "tablet")
FIRST_NAMES = (  # noqa: SIM905
    "ada alan amara anna ben carla chen clara dario elif emma erik fatima felix greta hana ivan "
    "jonas julia kai lena liam lucia marco maria mei mila nadia noah nora omar oscar paula priya "
    "rosa sam sara tariq theo tom vera yara yuki zoe"
).split()
LAST_NAMES = (  # noqa: SIM905
    "adler bauer berg blanc bruno castro cole costa diaz evans fischer garcia haas ito jansen "
    "jones kaya keller khan klein kowalski lang lee lopez martin meyer moreau moser nguyen "
    "novak okafor olsen park patel perez romano rossi roth sato schmidt silva smith stone "
    "vega vogel weber"
).split()
MAIL_DOMAINS = ("example.com", "example.net", "example.org")


@dataclass(frozen=True)
class People:
    """Customers come first (index 0 to customers-1), then visitors who never buy.

    Times are microseconds; `NEVER_US` stands for never.
    """

    customers: int
    is_eur: BoolArray
    country: TextArray
    email: TextArray  # empty for visitors who gave none
    created_us: IntArray  # customers only
    subscribed_us: IntArray
    opted_out_us: IntArray
    is_blocking: BoolArray
    uses_machine_opens: BoolArray
    device_start: IntArray
    device_count: IntArray
    device_kind: IntArray
    device_person: IntArray

    @property
    def count(self) -> int:
        """Return customers and visitors together."""
        return len(self.is_eur)


def draw_markets(parameters: WorldParameters) -> BoolArray:
    """Return for customers and visitors whether they live where EUR is paid."""
    rng = stream(parameters.seed, "markets")
    # drawn before anything else, since the currency of an order depends on it
    visitors = int(parameters.customers * VISITORS_PER_CUSTOMER)
    return np.asarray(rng.random(parameters.customers + visitors) < parameters.eur_share)


def draw_countries(is_eur: BoolArray, rng: np.random.Generator) -> TextArray:
    """Return a country per person."""
    america = texts(US_COUNTRIES)[pick(rng, (9, 1), len(is_eur))]
    europe = texts(EU_COUNTRIES)[pick(rng, (5, 2, 2, 1, 1), len(is_eur))]
    return np.asarray(np.where(is_eur, europe, america), dtype=object)


def draw_emails(count: int, has_email: BoolArray, rng: np.random.Generator) -> TextArray:
    """Return a unique address per person at a reserved domain, or an empty text."""
    first = rng.integers(0, len(FIRST_NAMES), count)
    last = rng.integers(0, len(LAST_NAMES), count)
    domain = rng.integers(0, len(MAIL_DOMAINS), count)
    return texts(
        [
            f"{FIRST_NAMES[first[i]]}.{LAST_NAMES[last[i]]}{i + 1}@{MAIL_DOMAINS[domain[i]]}"
            if has_email[i]
            else ""
            for i in range(count)
        ]
    )


def draw_created(parameters: WorldParameters, orders: Orders, rng: np.random.Generator) -> IntArray:
    """Return when each customer opened the account: before or at the first order."""
    # every customer has exactly one first order, so no entry stays unset
    first_us = np.empty(parameters.customers, dtype=np.int64)
    first_us[orders.customer[orders.is_first]] = orders.ordered_us[orders.is_first]
    early_days = np.where(
        # three in ten open the account some days early, the rest when they order
        rng.random(parameters.customers) < 0.3,
        rng.uniform(0, 10, parameters.customers),
        0.001,
    )
    created = first_us - (early_days * 86_400).astype(np.int64) * SECOND_US
    # the shop has no records from before the world
    return np.asarray(np.maximum(created, parameters.start_us), dtype=np.int64)


def draw_opted_out(
    parameters: WorldParameters, created_us: IntArray, rng: np.random.Generator
) -> IntArray:
    """Return when each customer withdrew consent; exactly the given share of them did."""
    count = parameters.customers
    # a permutation, not a draw per customer: the share is exact in small worlds too
    chosen = rng.permutation(count)[: round(count * parameters.opted_out_share)]
    result = np.full(count, NEVER_US, dtype=np.int64)
    at_once = rng.random(len(chosen)) < 0.5
    # an hour before the end at the latest, so that the refusal lies inside of the world
    span = np.maximum(parameters.end_us - DAY_US // 24 - created_us[chosen], 0)
    # whole seconds: the shop stores no fractions
    later = (rng.random(len(chosen)) * span).astype(np.int64) // SECOND_US * SECOND_US
    result[chosen] = created_us[chosen] + np.where(at_once, 0, later)
    return result


def build_people(parameters: WorldParameters, is_eur: BoolArray, orders: Orders) -> People:
    """Return everyone who ever meets the shop."""
    rng = stream(parameters.seed, "people")
    customers, count = parameters.customers, len(is_eur)
    visitors = count - customers
    created = draw_created(parameters, orders, rng)
    opted_out = np.full(count, NEVER_US, dtype=np.int64)
    opted_out[:customers] = draw_opted_out(parameters, created, rng)
    is_lead = rng.random(visitors) < LEAD_SHARE
    subscribed = np.full(count, NEVER_US, dtype=np.int64)
    wants_mail = rng.random(customers) < SUBSCRIBE_SHARE
    subscribed[:customers] = np.where(wants_mail, created, NEVER_US)
    joined = (
        parameters.start_us
        + (rng.random(visitors) * parameters.days * 86_400).astype(np.int64) * SECOND_US
    )
    subscribed[customers:] = np.where(is_lead, joined, NEVER_US)
    # someone who objects at sign-up never gets onto a list
    subscribed[opted_out <= subscribed] = NEVER_US
    has_email = np.concatenate([np.ones(customers, dtype=bool), is_lead])
    # nobody has no device; more than half have one
    device_count = pick(rng, (0, 0.58, 0.32, 0.10), count)
    device_person = spread(device_count)
    return People(
        customers=customers,
        is_eur=is_eur,
        country=draw_countries(is_eur, rng),
        email=draw_emails(count, has_email, rng),
        created_us=created,
        subscribed_us=subscribed,
        opted_out_us=opted_out,
        is_blocking=rng.random(count) < parameters.always_blocking_share,
        uses_machine_opens=rng.random(count) < 0.34,
        # devices lie person by person: start and count find those of a person
        device_start=np.cumsum(device_count) - device_count,
        device_count=device_count,
        device_kind=pick(rng, (0.55, 0.37, 0.08), len(device_person)),
        device_person=device_person,
    )
