"""Judge attribution models by simulated worlds: how far each is from what was truly caused.

    python -m benchmarks.world_judges --seeds 20

For every seed the orders of a world are shared out among its tactics by the project's models, which
look at visits, and by two ways that look at spend, one of them by planned hold-outs of regions. The
distance is half of the summed differences to the true shares, in percentage points of all orders:
the part of the orders that stands in the wrong place.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.sql_models import channel_credit, compiled
from marketing_analytics.simulate.world.demand.causes import TACTIC
from marketing_analytics.simulate.world.demand.regions import IS_EUR
from marketing_analytics.simulate.world.demand.tactics import AFFILIATE, EMAIL, TACTICS
from marketing_analytics.simulate.world.demand.truth import order_cells
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.web.visits import (
    AFFILIATE_SOURCE,
    EMAIL_SOURCE,
    FREE_SOURCES,
)
from marketing_analytics.simulate.world.world import World, generate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NAMES = (*TACTICS, AFFILIATE, EMAIL)
ROLES = ("social that brings", "search that brings", "harvesting")
ROLE = np.array([0, 0, 0, 1, 1, 1, 0, 2, 2, 2])
# the regressions do not know how long advertising lasts: they assume this for all of it
ASSUMED_HALF_LIFE = 3.0
MEMORY_DAYS = 28
RIDGE = 0.01


def tactic_of_sessions(world: World) -> Ints:
    """Return the position in NAMES of what each session came through, -1 for free visits."""
    ads, campaigns = world.catalog.ads, world.catalog.campaigns
    tactic = {campaign.campaign_id: NAMES.index(campaign.tactic) for campaign in campaigns}
    of_ad = np.array([tactic[ad.campaign_id] for ad in ads])
    sessions = world.sessions
    result = np.where(sessions.ad >= 0, of_ad[sessions.ad], -1)
    result[sessions.source == AFFILIATE_SOURCE] = NAMES.index(AFFILIATE)
    result[sessions.source == EMAIL_SOURCE] = NAMES.index(EMAIL)
    return result


def visit_models(models: dict[str, str], world: World) -> dict[str, Floats]:
    """Return the share of orders that each model gives to each tactic; the rest is nobody's."""
    tactic = tactic_of_sessions(world)
    free = np.array(FREE_SOURCES)[np.minimum(world.sessions.source, len(FREE_SOURCES) - 1)]
    channel = np.where(tactic >= 0, np.array(NAMES)[tactic], free)
    count = len(world.orders.person)
    return {
        model: np.array([credit.get(name, 0.0) for name in NAMES]) / count
        for model, credit in channel_credit(models, world, channel).items()
    }


def true_shares(world: World) -> Floats:
    """Return the share of orders that would be missing without each tactic."""
    causes = world.causes
    result = np.zeros(len(NAMES))
    for index, part in enumerate(causes.parts):
        if part.level == TACTIC:
            result[NAMES.index(part.tactic)] = (causes.part == index).sum()
    return result / len(world.orders.person)


def carried(spend: Floats, half_life: float) -> Floats:
    """Return spend with what is left of earlier days (days are the last axis)."""
    result = np.zeros(spend.shape)
    weights = 0.5 ** (np.arange(min(MEMORY_DAYS, spend.shape[-1])) / half_life)
    for age, weight in enumerate(weights / weights.sum()):
        result[..., age:] += weight * spend[..., : spend.shape[-1] - age]
    return result


def tactic_spend(world: World) -> Floats:
    """Return spend of each tactic per region and day."""
    plan = world.market.plan
    result = np.zeros((len(TACTICS), *plan.demand.shape))
    for index, campaign in enumerate(plan.catalog.campaigns):
        result[NAMES.index(campaign.tactic)] += plan.campaign_cents[index]
    return result


def by_market(table: Floats, weights: Floats) -> Floats:
    """Return (..., regions, days) less the weighted means of regions and of days, per market.

    The weights are a product of one per region and one per day, so that one pass is exact.
    """
    result = np.empty_like(table)
    for mine in (IS_EUR, ~IS_EUR):
        part, weight = table[..., mine, :], weights[mine]
        of_region = weight.sum(axis=1, keepdims=True) / weight.sum()
        of_day = weight.sum(axis=0, keepdims=True) / weight.sum()
        region = (part * of_day).sum(axis=-1, keepdims=True)
        day = (part * of_region).sum(axis=-2, keepdims=True)
        mean = (region * of_region).sum(axis=-2, keepdims=True)
        result[..., mine, :] = part - region - day + mean
    return result


def orders_and_sizes(world: World) -> tuple[Floats, Floats]:
    """Return first orders by (region, day), and what region and day alone let expect."""
    shape = world.market.plan.demand.shape
    # repeats come weeks later, wherever the first order came from: new customers tell more
    first = order_cells(world)[world.orders.is_first]
    cells = np.bincount(first, minlength=shape[0] * shape[1]).reshape(shape)
    expected = np.zeros(shape)
    for mine in (IS_EUR, ~IS_EUR):
        part = cells[mine]
        regions = np.maximum(part.sum(axis=1, keepdims=True), 0.5)
        # a month of days: one day of one market is too few orders to weigh by
        days = np.convolve(part.sum(axis=0), np.ones(29) / 29, mode="same")
        expected[mine] = regions * np.maximum(days, days.max() / 10) / max(days.sum(), 1)
    return cells.astype(np.float64), expected


def solve(features: Floats, used: Floats, cells: Floats, expected: Floats) -> Floats:
    """Return shares: the effect of each feature on orders, times what was used of it."""
    root = np.sqrt(expected)
    x = (by_market(features, expected) * root).reshape(len(features), -1)
    y = (by_market(cells / expected, expected) * root).ravel()
    weights = non_negative(x, y)
    caused = weights * (used * expected).sum(axis=(1, 2))
    return np.asarray(caused / cells.sum())


def naive_regression(world: World) -> Floats:
    """Return shares by the correlation of orders with spend over days, as they were."""
    cells, _ = orders_and_sizes(world)
    spend = tactic_spend(world).sum(axis=1)
    pressure = carried(spend / spend.mean(axis=1, keepdims=True), ASSUMED_HALF_LIFE)
    saturated = pressure / (1.0 + pressure)
    orders = cells.sum(axis=0)
    x = saturated - saturated.mean(axis=1, keepdims=True)
    weights = non_negative(x, orders - orders.mean())
    return np.append(weights * saturated.sum(axis=1) / cells.sum(), [0.0, 0.0])


def geo_hold_outs(world: World) -> Floats:
    """Return shares by the planned hold-outs: what is missing where a tactic was held back.

    What counts as spend that was lost is that of the market's other regions on the same day, so
    that neither budgets that follow demand nor chance has a say. Nothing of the mechanism is
    used: carry-over is assumed, effects are in proportion.
    """
    plan = world.market.plan
    cells, expected = orders_and_sizes(world)
    spend = tactic_spend(world)
    paused = np.zeros_like(spend, dtype=bool)
    for pause in plan.pauses:
        if pause.tactic != AFFILIATE:
            days = slice(pause.first_day - plan.start_day, pause.last_day + 1 - plan.start_day)
            paused[NAMES.index(pause.tactic), pause.region, days] = True
    level = np.zeros_like(spend)
    for mine in (IS_EUR, ~IS_EUR):
        others = ~paused[:, mine]
        spent = (spend[:, mine] * others).sum(axis=1, keepdims=True)
        heads = (expected[mine] * others).sum(axis=1, keepdims=True)
        level[:, mine] = np.divide(spent, heads, out=np.zeros_like(spent), where=heads > 0)
    lost = by_role(-carried(level * paused, ASSUMED_HALF_LIFE))
    used = by_role(carried(level * ~paused, ASSUMED_HALF_LIFE))
    shares = solve(lost, used, cells, expected)
    # too few hold-outs to tell ten tactics apart: one effect of a dollar per role
    money = spend.sum(axis=(1, 2))
    of_role = np.bincount(ROLE, money)
    return np.append(shares[ROLE] * money / of_role[ROLE], [0.0, 0.0])


def by_role(features: Floats) -> Floats:
    """Return the sums of the tactics of each role."""
    result = np.zeros((len(ROLES), *features.shape[1:]))
    np.add.at(result, ROLE, features)
    return result


def non_negative(x: Floats, y: Floats, rounds: int = 400) -> Floats:
    """Return the non-negative ridge solution of y = weights @ x, coordinate by coordinate."""
    gram, target = x @ x.T, x @ y
    gram += np.diag(np.diag(gram)) * RIDGE
    weights = np.zeros(len(gram))
    for _ in range(rounds):
        for i in range(len(gram)):
            rest = target[i] - gram[i] @ weights + gram[i, i] * weights[i]
            weights[i] = max(0.0, rest / gram[i, i])
    return weights


def distance(shares: Floats, truth: Floats) -> float:
    """Return the part of all orders that stands in the wrong place, what is nobody's included."""
    nobody = abs((1.0 - shares.sum()) - (1.0 - truth.sum()))
    return float((np.abs(shares - truth).sum() + nobody) / 2)


@dataclass(frozen=True)
class Verdict:
    """Distances of one model over all seeds."""

    model: str
    distances: Floats
    role_distances: Floats
    shares: Floats

    @property
    def mean(self) -> float:
        """Return the mean distance by tactic."""
        return float(self.distances.mean())

    @property
    def spread(self) -> float:
        """Return the standard deviation over seeds."""
        return float(self.distances.std(ddof=1))


def roles_of(shares: Floats) -> Floats:
    """Return the shares of the roles, then of affiliates and e-mail."""
    return np.append(np.bincount(ROLE, shares[: len(TACTICS)]), shares[len(TACTICS) :])


def judge(seeds: int, customers: int, days: int) -> tuple[list[Verdict], Floats]:
    """Return the verdict on every model, nearest first, and the mean true shares."""
    shares: dict[str, list[Floats]] = {}
    truths = []
    with tempfile.TemporaryDirectory() as folder:
        models = compiled(Path(folder))
    for seed in range(1, seeds + 1):
        world = generate(WorldParameters(seed=seed, customers=customers, days=days))
        truths.append(true_shares(world))
        found = {
            **visit_models(models, world),
            "naive regression": naive_regression(world),
            "geo hold-outs": geo_hold_outs(world),
        }
        for name, share in found.items():
            shares.setdefault(name, []).append(share)
    verdicts = [
        Verdict(
            name,
            np.array([distance(s, t) for s, t in zip(rows, truths, strict=True)]),
            np.array(
                [distance(roles_of(s), roles_of(t)) for s, t in zip(rows, truths, strict=True)]
            ),
            np.mean(rows, axis=0),
        )
        for name, rows in shares.items()
    ]
    return sorted(verdicts, key=lambda verdict: verdict.mean), np.mean(truths, axis=0)


def main() -> int:
    """Print the distances as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=180)
    options = parser.parse_args()
    verdicts, truth = judge(options.seeds, options.customers, options.days)
    print(f"{options.seeds} worlds, {options.customers:,} customers, {options.days} days")
    print("\n| Model | In the wrong place, by tactic | Spread over seeds | By role |")
    print("|---|---|---|---|")
    for verdict in verdicts:
        roles = verdict.role_distances.mean()
        print(f"| {verdict.model} | {verdict.mean:.1%} | {verdict.spread:.1%} | {roles:.1%} |")
    print("\n| Tactic | caused | " + " | ".join(v.model for v in verdicts) + " |")
    print("|---" * (len(verdicts) + 2) + "|")
    for index, name in enumerate(NAMES):
        cells = " | ".join(f"{v.shares[index]:.1%}" for v in verdicts)
        print(f"| {name} | {truth[index]:.1%} | {cells} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
