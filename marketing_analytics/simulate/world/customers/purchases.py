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
) -> tuple[IntArray, FloatArray]:
    """Return (customer, day) of all repeat purchases before the world ends."""
    process = parameters.purchases
    count = len(first_days)
    # gamma has scale 1/alpha: lambda in purchases a week, wanted per day
    rates = rng.gamma(process.r, 1.0 / process.alpha_weeks, count) / WEEK_DAYS
    dropout = rng.beta(process.a, process.b, count)
    active = np.arange(count)
    now = first_days.copy()
    customers: list[IntArray] = []
    moments: list[FloatArray] = []
    # one round per purchase: who is still there buys again, then may drop out
    while len(active):
        # the rate may be so small that the division overflows; such a customer never returns
        now[active] += rng.exponential(1.0, len(active)) / np.maximum(rates[active], 1e-12)
        active = active[now[active] < parameters.days]
        customers.append(active.astype(np.int64))
        moments.append(now[active].copy())
        # BG/NBD lets a customer drop out only right after a purchase
        active = active[rng.random(len(active)) >= dropout[active]]
    return np.concatenate(customers), np.concatenate(moments)


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
    parameters: WorldParameters, first_us: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Return (customer, moment) of the repeat purchases that nobody asked for."""
    first_days = (first_us - parameters.start_us) / DAY_US
    customer, days = repeat_purchases(parameters, first_days, rng)
    # the fraction of a day is bent to waking hours; the day itself stays
    whole = np.floor(days)
    within = (daytime_fraction(days - whole) * (DAY_US // SECOND_US)).astype(np.int64)
    moment = parameters.start_us + whole.astype(np.int64) * DAY_US + within * SECOND_US
    # bent, it may lie before the first purchase of the same day
    moment = np.maximum(moment, first_us[customer] + HOUR_US)
    keep = moment < parameters.end_us
    return customer[keep], moment[keep]


def build_orders(
    parameters: WorldParameters, first_us: IntArray, is_eur: BoolArray, woken: Woken
) -> Orders:
    """Return every order: the first of each buyer, repeats, and those that a mail woke.

    `first_us` holds customers, then guests: who comes back has an account.
    """
    rng = stream(parameters.seed, "orders")
    repeat_customer, repeat_us = repeat_moments(parameters, first_us[: parameters.customers], rng)
    buyers = np.arange(len(first_us), dtype=np.int64)
    person = np.concatenate([buyers, repeat_customer, woken.customer])
    ordered_us = np.concatenate([first_us, repeat_us, woken.ordered_us])
    mail = np.full(len(person), NO_MAIL, dtype=np.int64)
    mail[len(person) - len(woken.mail) :] = woken.mail
    is_first = np.arange(len(person)) < len(buyers)
    order = np.lexsort((mail, person, ~is_first, ordered_us))
    # drawn in the order of time, as orders are numbered
    values = order_values(parameters, person[order], rng)
    return Orders(
        person=person[order],
        ordered_us=ordered_us[order],
        total_cents=values,
        is_first=is_first[order],
        is_eur=is_eur[person[order]],
        mail=mail[order],
    )


def build_refunds(parameters: WorldParameters, orders: Orders) -> Refunds:
    """Return at most one refund per order, full or partial, before the world ends."""
    rng = stream(parameters.seed, "refunds")
    count = len(orders.person)
    chosen = rng.random(count) < parameters.refund_share
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
