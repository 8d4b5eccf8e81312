"""Orders by BG/NBD (Fader, Hardie, Lee 2005), their value by gamma-gamma, and refunds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.chance import (
    BoolArray,
    FloatArray,
    IntArray,
    daytime_fraction,
    stream,
)
from marketing_analytics.simulate.world.customers.people import NEVER_US
from marketing_analytics.simulate.world.customers.ties import Ties
from marketing_analytics.simulate.world.parameters import (
    DAY_US,
    HOUR_US,
    SECOND_US,
    WorldParameters,
)

WEEK_DAYS = 7.0
NO_MAIL = -1


@dataclass(frozen=True)
class Orders:
    """Orders sorted by time; `person` is an index, money is cents of the currency.

    `mail` is the newsletter without which the order would not have come, or -1.
    """

    person: IntArray
    ordered_us: IntArray
    total_cents: IntArray
    is_first: BoolArray
    is_eur: BoolArray
    mail: IntArray

    @property
    def day(self) -> IntArray:
        """Return the UTC date as days since 1970."""
        return np.asarray(self.ordered_us // DAY_US, dtype=np.int64)


@dataclass(frozen=True)
class Woken:
    """Orders of known customers that a newsletter caused; `mail` is its index in the plan."""

    customer: IntArray
    ordered_us: IntArray
    mail: IntArray


@dataclass(frozen=True)
class Repeats:
    """The repeat purchases that nobody asked for; `is_last` where the customer leaves after it.

    `rate_per_day` and `leave_chance` have one row per customer.
    """

    customer: IntArray
    day: FloatArray
    is_last: BoolArray
    rate_per_day: FloatArray
    leave_chance: FloatArray


@dataclass(frozen=True)
class Refunds:
    """Refunds sorted by time; `order` is an index into the orders."""

    order: IntArray
    refunded_us: IntArray
    amount_cents: IntArray

    @property
    def day(self) -> IntArray:
        """Return the UTC date as days since 1970."""
        return np.asarray(self.refunded_us // DAY_US, dtype=np.int64)


def repeat_purchases(
    parameters: WorldParameters, first_days: FloatArray, rng: np.random.Generator
) -> Repeats:
    """Return all repeat purchases before the world ends."""
    process = parameters.purchases
    count = len(first_days)
    # gamma has scale 1/alpha: lambda in purchases a week, wanted per day
    rates = rng.gamma(process.r, 1.0 / process.alpha_weeks, count) / WEEK_DAYS
    dropout = rng.beta(process.a, process.b, count)
    active = np.arange(count)
    now = first_days.copy()
    customers: list[IntArray] = []
    moments: list[FloatArray] = []
    leaves: list[BoolArray] = []
    # one round per purchase: who is still there buys again, then may drop out
    while len(active):
        # the rate may be so small that the division overflows; such a customer never returns
        now[active] += rng.exponential(1.0, len(active)) / np.maximum(rates[active], 1e-12)
        active = active[now[active] < parameters.days]
        customers.append(active.astype(np.int64))
        moments.append(now[active].copy())
        # BG/NBD lets a customer drop out only right after a purchase
        leaves.append(rng.random(len(active)) < dropout[active])
        active = active[~leaves[-1]]
    return Repeats(
        np.concatenate(customers), np.concatenate(moments), np.concatenate(leaves), rates, dropout
    )


def order_values(
    parameters: WorldParameters, persons: IntArray, rng: np.random.Generator
) -> IntArray:
    """Return order totals in cents: nu ~ Gamma(q, gamma), z ~ Gamma(p, nu), at least 1.00."""
    process = parameters.purchases
    # one nu per person: people differ more than the orders of one of them
    scale = rng.gamma(process.q, 1.0 / process.gamma, int(persons.max()) + 1)
    value = rng.gamma(process.p, 1.0, len(persons)) / np.maximum(scale[persons], 1e-9)
    # no order is free, and none dwarfs all others
    return np.clip(np.rint(value * 100), 100, 5_000_000).astype(np.int64)


def repeat_moments(
    parameters: WorldParameters, first_us: IntArray, repeats: Repeats
) -> tuple[IntArray, IntArray, Ties]:
    """Return (customer, moment) of the repeat purchases that nobody asked for, and the ties."""
    # the fraction of a day is bent to waking hours; the day itself stays
    whole = np.floor(repeats.day)
    within = (daytime_fraction(repeats.day - whole) * (DAY_US // SECOND_US)).astype(np.int64)
    moment = parameters.start_us + whole.astype(np.int64) * DAY_US + within * SECOND_US
    # bent, it may lie before the first purchase of the same day
    moment = np.maximum(moment, first_us[repeats.customer] + HOUR_US)
    keep = moment < parameters.end_us
    lapsed = np.full(len(first_us), NEVER_US, dtype=np.int64)
    last = np.flatnonzero(keep & repeats.is_last)
    lapsed[repeats.customer[last]] = moment[last]
    ties = Ties(repeats.rate_per_day, repeats.leave_chance, lapsed)
    return repeats.customer[keep], moment[keep], ties


def build_orders(
    parameters: WorldParameters, first_us: IntArray, is_eur: BoolArray, woken: Woken
) -> tuple[Orders, Ties]:
    """Return every order: the first of each buyer, repeats, and those that a mail woke.

    `first_us` holds customers, then guests: who comes back has an account.
    """
    rng = stream(parameters.seed, "orders")
    own_us = first_us[: parameters.customers]
    repeats = repeat_purchases(parameters, (own_us - parameters.start_us) / DAY_US, rng)
    repeat_customer, repeat_us, ties = repeat_moments(parameters, own_us, repeats)
    buyers = np.arange(len(first_us), dtype=np.int64)
    person = np.concatenate([buyers, repeat_customer, woken.customer])
    ordered_us = np.concatenate([first_us, repeat_us, woken.ordered_us])
    mail = np.full(len(person), NO_MAIL, dtype=np.int64)
    mail[len(person) - len(woken.mail) :] = woken.mail
    is_first = np.arange(len(person)) < len(buyers)
    order = np.lexsort((mail, person, ~is_first, ordered_us))
    # drawn in the order of time, as orders are numbered
    values = order_values(parameters, person[order], rng)
    orders = Orders(
        person=person[order],
        ordered_us=ordered_us[order],
        total_cents=values,
        is_first=is_first[order],
        is_eur=is_eur[person[order]],
        mail=mail[order],
    )
    return orders, ties


def refund_chances(parameters: WorldParameters, orders: Orders, ties: Ties) -> FloatArray:
    """Return how likely each order is given back, knowing whether the customer left after it.

    A refund raises the hazard of leaving. Whether one leaves is drawn before (BG/NBD as it is), so
    the refund is drawn from what its cause and its effect have in common: Bayes' rule.
    """
    share = parameters.refund_share
    result = np.full(len(orders.person), share)
    # nobody leaves after the first order, or after one that a mail woke
    rows = np.flatnonzero(~orders.is_first & (orders.mail == NO_MAIL))
    customer = orders.person[rows]
    leave = ties.leave_chance[customer]
    after_refund = 1.0 - (1.0 - leave) ** parameters.habits.refund_hazard
    has_left = ties.lapsed_us[customer] == orders.ordered_us[rows]
    ratio = np.where(
        has_left,
        after_refund / np.maximum(leave, 1e-12),
        (1.0 - after_refund) / np.maximum(1.0 - leave, 1e-12),
    )
    result[rows] = share * ratio
    return result


def build_refunds(parameters: WorldParameters, orders: Orders, ties: Ties) -> Refunds:
    """Return at most one refund per order, full or partial, before the world ends."""
    rng = stream(parameters.seed, "refunds")
    count = len(orders.person)
    chosen = rng.random(count) < refund_chances(parameters, orders, ties)
    # nobody sends a parcel back before it came
    delay_seconds = ((1.0 + rng.exponential(8.0, count)) * 86_400).astype(np.int64)
    refunded_us = orders.ordered_us + delay_seconds * 1_000_000
    # seven in ten refunds are of the whole order
    share = np.where(rng.random(count) < 0.7, 1.0, rng.uniform(0.1, 0.9, count))
    # rounding must not make a refund of nothing, or of more than was paid
    amount = np.clip(np.rint(orders.total_cents * share), 1, orders.total_cents).astype(np.int64)
    index = np.flatnonzero(chosen & (refunded_us < parameters.end_us))
    index = index[np.lexsort((index, refunded_us[index]))]
    return Refunds(index.astype(np.int64), refunded_us[index], amount[index])
