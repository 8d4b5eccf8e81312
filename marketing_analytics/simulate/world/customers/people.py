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
from marketing_analytics.simulate.world.demand.regions import IS_EUR, REGIONS, region_shares
from marketing_analytics.simulate.world.parameters import (
    DAY_US,
    HOUR_US,
    SECOND_US,
    WorldParameters,
)

LEADS_PER_CUSTOMER = 0.25  # they gave an address but never bought
SUBSCRIBE_SHARE = 0.78
UNSUBSCRIBES_A_DAY, DEAD_MAILBOXES_A_DAY = 0.0006, 0.0004
NEVER_US = 2**62
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
MAIL_DOMAINS = ("example.com", "example.net", "example.org", "office.example")
MAIL_DOMAIN_WEIGHTS = (32, 32, 32, 4)
# where a security scanner reads the mail before its people do
SCANNED_DOMAIN = "office.example"


@dataclass(frozen=True)
class People:
    """Customers come first (index 0 to customers-1), then guests, then visitors who never buy.

    A guest orders once, without an account: the checkout knows the address, nothing else is asked.
    Times are microseconds; `NEVER_US` stands for never.
    """

    customers: int
    guests: int
    is_eur: BoolArray
    region: IntArray
    country: TextArray
    email: TextArray  # empty for visitors who gave none
    created_us: IntArray  # customers only
    subscribed_us: IntArray
    left_us: IntArray  # when the list loses them, by their own wish or with their mailbox
    has_dead_mailbox: BoolArray
    opted_out_us: IntArray
    is_blocking: BoolArray
    uses_machine_opens: BoolArray
    has_scanner: BoolArray
    device_start: IntArray
    device_count: IntArray
    device_kind: IntArray
    device_person: IntArray

    @property
    def count(self) -> int:
        """Return customers, guests and visitors together."""
        return len(self.is_eur)


def draw_emails(count: int, has_email: BoolArray, rng: np.random.Generator) -> TextArray:
    """Return a unique address per person at a reserved domain, or an empty text."""
    first = rng.integers(0, len(FIRST_NAMES), count)
    last = rng.integers(0, len(LAST_NAMES), count)
    domain = pick(rng, MAIL_DOMAIN_WEIGHTS, count)
    return texts(
        [
            f"{FIRST_NAMES[first[i]]}.{LAST_NAMES[last[i]]}{i + 1}@{MAIL_DOMAINS[domain[i]]}"
            if has_email[i]
            else ""
            for i in range(count)
        ]
    )


def draw_created(
    parameters: WorldParameters, first_us: IntArray, rng: np.random.Generator
) -> IntArray:
    """Return when each customer opened the account: before or at the first order."""
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


def draw_left(
    parameters: WorldParameters, subscribed_us: IntArray, rng: np.random.Generator
) -> tuple[IntArray, BoolArray]:
    """Return when each member leaves the list, and whether for a dead mailbox, not by choice."""
    rate = UNSUBSCRIBES_A_DAY + DEAD_MAILBOXES_A_DAY
    # after a day at least: the welcome has arrived
    seconds = ((1.0 + rng.exponential(1.0 / rate, len(subscribed_us))) * 86_400).astype(np.int64)
    is_dead = rng.random(len(subscribed_us)) * rate < DEAD_MAILBOXES_A_DAY
    moment = np.minimum(subscribed_us, parameters.end_us) + seconds * SECOND_US
    # some minutes before the end at the latest: leaving is answered inside of the world
    is_inside = (subscribed_us < NEVER_US) & (moment < parameters.end_us - HOUR_US)
    left = np.where(is_inside, moment, NEVER_US).astype(np.int64)
    return left, is_inside & is_dead


def draw_blocking(
    parameters: WorldParameters, region: IntArray, rng: np.random.Generator
) -> BoolArray:
    """Return who never lets analytics see them: more in some regions than in others."""
    refusal = np.array([place.refusal for place in REGIONS])
    usual = (region_shares(parameters) * refusal).sum()
    share = parameters.always_blocking_share * refusal[region] / usual
    return np.asarray(rng.random(len(region)) < share)


def build_people(
    parameters: WorldParameters, region: IntArray, first_us: IntArray, decided_us: IntArray
) -> People:
    """Return everyone who ever meets the shop.

    `region` is that of all people in this order; `decided_us` the last visit of each visitor.
    """
    rng = stream(parameters.seed, "people")
    customers, count = parameters.customers, len(region)
    buyers = parameters.buyers
    visitors = count - buyers
    created = draw_created(parameters, first_us[:customers], rng)
    opted_out = np.full(count, NEVER_US, dtype=np.int64)
    opted_out[:customers] = draw_opted_out(parameters, created, rng)
    is_lead = rng.random(visitors) < LEADS_PER_CUSTOMER * customers / max(visitors, 1)
    subscribed = np.full(count, NEVER_US, dtype=np.int64)
    wants_mail = rng.random(customers) < SUBSCRIBE_SHARE
    subscribed[:customers] = np.where(wants_mail, created, NEVER_US)
    # a lead leaves the address a minute into the visit
    subscribed[buyers:] = np.where(is_lead, decided_us + 60 * SECOND_US, NEVER_US)
    # someone who objects at sign-up never gets onto a list
    subscribed[opted_out <= subscribed] = NEVER_US
    left, is_dead = draw_left(parameters, subscribed, rng)
    # who objects has left all lists already
    left[opted_out <= left] = NEVER_US
    email = draw_emails(count, np.concatenate([np.ones(buyers, dtype=bool), is_lead]), rng)
    # nobody has no device; more than half have one
    device_count = pick(rng, (0, 0.58, 0.32, 0.10), count)
    device_person = spread(device_count)
    return People(
        customers=customers,
        guests=parameters.guests,
        is_eur=IS_EUR[region],
        region=region,
        country=texts([place.country for place in REGIONS])[region],
        email=email,
        created_us=created,
        subscribed_us=subscribed,
        left_us=left,
        has_dead_mailbox=is_dead,
        opted_out_us=opted_out,
        is_blocking=draw_blocking(parameters, region, rng),
        uses_machine_opens=rng.random(count) < 0.34,
        has_scanner=np.array([address.endswith(SCANNED_DOMAIN) for address in email]),
        # devices lie person by person: start and count find those of a person
        device_start=np.cumsum(device_count) - device_count,
        device_count=device_count,
        device_kind=pick(rng, (0.55, 0.37, 0.08), len(device_person)),
        device_person=device_person,
    )
