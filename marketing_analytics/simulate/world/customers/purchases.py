"""Orders by BG/NBD (Fader, Hardie, Lee 2005), their value by gamma-gamma, and refunds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.chance import (
    BoolArray,
    FloatArray,
    IntArray,
    daytime_fraction,
    pick,
    stream,
)
from marketing_analytics.simulate.world.parameters import DAY_US, WorldParameters

WEEK_DAYS = 7.0
WEEKDAY_WEIGHTS = (1.05, 1.0, 0.95, 1.0, 1.1, 1.15, 1.1)


@dataclass(frozen=True)
class Orders:
    """Orders sorted by time; `customer` is an index, money is cents of the currency."""

    customer: IntArray
    ordered_us: IntArray
    total_cents: IntArray
    is_first: BoolArray
    is_eur: BoolArray

    @property
    def day(self) -> IntArray:
        """Return the UTC date as days since 1970."""
        return np.asarray(self.ordered_us // DAY_US, dtype=np.int64)


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


def first_purchase_days(parameters: WorldParameters, rng: np.random.Generator) -> FloatArray:
    """Return each customer's first purchase in days from the start: slow growth, weekdays."""
    days = np.arange(parameters.days)
    # the shop wins a third more customers a day at the end than at the start
    trend = 1.0 + 0.35 * days / parameters.days
    # day 0 of 1970 was a Thursday: three days on make Monday the first
    weekday = np.array(WEEKDAY_WEIGHTS)[(days + parameters.start_day + 3) % 7]
    chosen = pick(rng, trend * weekday, parameters.customers)
    # sorted, then dealt out at random by the caller
    return np.sort(chosen + rng.random(parameters.customers))


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
    parameters: WorldParameters, customers: IntArray, rng: np.random.Generator
) -> IntArray:
    """Return order totals in cents: nu ~ Gamma(q, gamma), z ~ Gamma(p, nu), at least 1.00."""
    process = parameters.purchases
    # one nu per customer: customers differ more than the orders of one of them
    scale = rng.gamma(process.q, 1.0 / process.gamma, parameters.customers)
    value = rng.gamma(process.p, 1.0, len(customers)) / np.maximum(scale[customers], 1e-9)
    # no order is free, and none dwarfs all others
    return np.clip(np.rint(value * 100), 100, 5_000_000).astype(np.int64)


def build_orders(parameters: WorldParameters, is_eur: BoolArray) -> Orders:
    """Return every order of the world."""
    rng = stream(parameters.seed, "orders")
    first_days = first_purchase_days(parameters, rng)
    # who came first must not be told from the customer's number
    first_days = first_days[rng.permutation(len(first_days))]
    repeat_customer, repeat_days = repeat_purchases(parameters, first_days, rng)
    customer = np.concatenate([np.arange(parameters.customers), repeat_customer]).astype(np.int64)
    days = np.concatenate([first_days, repeat_days])
    is_first = np.arange(len(customer)) < parameters.customers
    # the fraction of a day is bent to waking hours; the day itself stays
    whole = np.floor(days)
    within = (daytime_fraction(days - whole) * (DAY_US // 1_000_000)).astype(np.int64)
    ordered_us = parameters.start_us + whole.astype(np.int64) * DAY_US + within * 1_000_000
    # a repeat may fall into the same second; it still comes after the first purchase
    order = np.lexsort((~is_first, days, ordered_us))
    # drawn in the order of time, as orders are numbered
    values = order_values(parameters, customer[order], rng)
    return Orders(
        customer=customer[order],
        ordered_us=ordered_us[order],
        total_cents=values,
        is_first=is_first[order],
        is_eur=is_eur[customer[order]],
    )


def build_refunds(parameters: WorldParameters, orders: Orders) -> Refunds:
    """Return at most one refund per order, full or partial, before the world ends."""
    rng = stream(parameters.seed, "refunds")
    count = len(orders.customer)
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
