"""What changed, in three sentences: the amounts from SQL, the words from here.

Attributed revenue is the sum over channels of spend times return. From one range of days to the
next it changes by volume (all spend grew alike), mix (spend moved between channels) and return (a
unit of spend brought more or less in a channel); the three add up exactly:
(S1 - S0) R0/S0 + sum of (s1 - S1 s0/S0) r0 + sum of s1 (r1 - r0), with r = R/s of a channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketing_analytics.report.numbers.definitions import (
    METRICS,
    Filters,
    measure_by,
    parameters_of,
    value_of,
)
from marketing_analytics.report.numbers.words import (
    change,
    change_words,
    money,
    number,
    shown,
    signed,
)
from marketing_analytics.web.words import plural

# the scripts of the pages say the same
HALF_A_CENT = 0.005
NOBODY_MOVED = "The attributed revenue of no channel moved."


@dataclass(frozen=True)
class Change:
    """Why the attributed revenue of a channel, or of all, is another one."""

    name: str
    before: float
    now: float
    volume: float
    mix: float
    returned: float
    roas_before: float | None
    roas_now: float | None

    @property
    def total(self) -> float:
        """Return the whole change."""
        return self.now - self.before


def decomposed(
    before: dict[str, tuple[float, float]], now: dict[str, tuple[float, float]]
) -> list[Change]:
    """Return the change of each channel; spend and attributed revenue by channel are given.

    Without spend before there is no return before: all of such a channel's change is mix.
    """
    all_before = sum(spend for spend, _ in before.values())
    all_now = sum(spend for spend, _ in now.values())
    grown = all_now / all_before if all_before else 1.0
    found = []
    for name in sorted({*before, *now}):
        spend_0, revenue_0 = before.get(name, (0.0, 0.0))
        spend_1, revenue_1 = now.get(name, (0.0, 0.0))
        volume = (grown - 1) * revenue_0
        if spend_0 and spend_1:
            mix = (spend_1 - grown * spend_0) * revenue_0 / spend_0
            returned = revenue_1 - spend_1 * revenue_0 / spend_0
        else:
            mix, returned = revenue_1 - revenue_0 - volume, 0.0
        found.append(
            Change(
                name, revenue_0, revenue_1, volume, mix, returned,
                revenue_0 / spend_0 if spend_0 else None,
                revenue_1 / spend_1 if spend_1 else None,
            )
        )  # fmt: skip
    return found


def amounts(connection: Any, filters: Filters) -> dict[str, tuple[float, float]]:
    """Return spend and attributed revenue of each channel that has one of them."""
    found: dict[str, list[float]] = {}
    for place, measure in enumerate(("spend_usd", "attributed_revenue_usd")):
        sql = measure_by(measure, "channel")
        for channel, amount in connection.execute(sql, parameters_of(sql, filters)).fetchall():
            found.setdefault(str(channel), [0.0, 0.0])[place] = float(amount or 0)
    return {name: (pair[0], pair[1]) for name, pair in found.items()}


def sentences(
    connection: Any,
    filters: Filters,
    before: Filters,
    names: dict[str, str],
    against: str,
    currency: str,
) -> list[str]:
    """Return the three sentences; `against` says in words what it is compared with."""
    changes = decomposed(amounts(connection, before), amounts(connection, filters))
    return [
        overall(changes, against, currency),
        largest(changes, names, currency),
        customers(connection, filters, before, currency),
    ]


def overall(changes: list[Change], against: str, currency: str) -> str:
    """Return the sentence about all paid channels."""
    before = sum(one.before for one in changes)
    now = sum(one.now for one in changes)
    if not changes or not (before or now):
        return f"No revenue is attributed to paid channels, and none was in the {against}."
    verb = "rose" if now >= before else "fell"
    parts = ", ".join(
        f"{word} {signed(sum(getattr(one, part) for one in changes), currency)}"
        for word, part in (("volume", "volume"), ("mix", "mix"), ("return", "returned"))
    )
    share = change_words(change(now, before))
    return (
        f"Attributed revenue of paid channels {verb} by {number(abs(now - before))} {currency}"
        f" to {number(now)} {currency} ({share}) against the {against}: {parts}."
    )


def largest(changes: list[Change], names: dict[str, str], currency: str) -> str:
    """Return the sentence about the channel that moved most."""
    if not changes:
        return "No channel has spend."
    one = max(changes, key=lambda change: (abs(change.total), change.name))
    if abs(one.total) < HALF_A_CENT:
        return NOBODY_MOVED
    return (
        f"{names.get(one.name, one.name)} moved most, by {signed(one.total, currency)}:"
        f" {return_words(one)}; {signed(one.returned, currency)} of it is return,"
        f" {signed(one.volume + one.mix, currency)} spend."
    )


def return_words(one: Change) -> str:
    """Return how the return of a channel changed, or why there is none."""
    before, now = one.roas_before, one.roas_now
    if before is not None and now is not None:
        return f"its ROAS went from {shown(before, 'ratio')} to {shown(now, 'ratio')}"
    if before is None and now is None:
        return "it had no spend"
    return "it had no spend before" if before is None else "it has no spend now"


def customers(connection: Any, filters: Filters, before: Filters, currency: str) -> str:
    """Return the sentence about all spend and revenue, and what new customers cost."""
    by_name = {metric.name: metric for metric in METRICS}

    def both(name: str) -> list[float | None]:
        return [value_of(connection, by_name[name], asked) for asked in (before, filters)]

    def moved(name: str) -> str:
        was, now = both(name)
        return change_words(change(now, was))

    mer, won, cost = both("mer"), both("new_customers"), both("cac_usd")
    now = won[1] or 0
    return (
        f"Spend: {moved('spend_usd')}, all revenue: {moved('revenue_usd')}, MER from"
        f" {shown(mer[0], 'ratio')} to {shown(mer[1], 'ratio')}."
        f" {plural(now, 'new customer')} ({change_words(change(won[1], won[0]))}) cost"
        f" {money(cost[1], currency)}{'' if now == 1 else ' each'},"
        f" {money(cost[0], currency)} before."
    )
