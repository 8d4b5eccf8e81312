"""Hold the fitted curves of `rpt_marginal_returns` against the world's own.

    python -m benchmarks.response_curves --seeds 20

The mart is told every visit, its person and its campaign, and all spend: what is judged is the
curve that goes through what happened. The truth is the derivative of the world's curve: what one
more dollar, spread over regions and days as the others were, would have brought, later orders of
the same people included.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.sql_models import build, compiled, loaded
from marketing_analytics.simulate.world.demand.truth import (
    is_in_euro,
    order_usd_cents,
    response_table,
    spend_usd_cents,
)
from marketing_analytics.simulate.world.exchange import RATE_SCALE
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.web.visits import CHANNELS
from marketing_analytics.simulate.world.world import World, generate

Floats = NDArray[np.float64]
MODELS = ("int_attribution__credits", "fct_attribution", "rpt_marginal_returns")
ESTIMATED = "estimated"
ALL = "(all)"
# as fct_campaign_performance has them, without what the curve does not read
PERFORMANCE = """
create table fct_campaign_performance as
with facts as (
    select platform, campaign_id, spend_date as performance_date, cents / 100 as spend_usd,
        0 as credit, 0 as revenue_usd
    from spend
    union all
    select platform, campaign_id, touch_date, 0, credit, revenue_usd
    from fct_attribution
    where model = 'position_based' and is_own_window and campaign_id is not null
)
select platform, campaign_id, performance_date,
    sum(spend_usd)::decimal(18, 2) as spend_usd,
    sum(credit)::decimal(18, 6) as attributed_conversions,
    sum(revenue_usd)::decimal(18, 2) as attributed_revenue_usd
from facts group by all;
create table dim_campaigns as
select distinct platform, campaign_id, campaign_id as campaign_name from spend;
"""


@dataclass(frozen=True)
class Judged:
    """One curve of one world: marginal returns in dollars of revenue for a dollar of spend."""

    tactic: str
    status: str
    truth: float
    estimate: float | None
    lower: float | None
    upper: float | None

    @property
    def is_answered(self) -> bool:
        """Return whether the mart draws anything from its curve."""
        return self.status == ESTIMATED and self.estimate is not None

    @property
    def is_inside(self) -> bool:
        """Return whether the truth lies in the interval."""
        return self.lower is not None and self.lower <= self.truth <= (self.upper or 0.0)

    @property
    def is_too_high(self) -> bool:
        """Return whether the whole interval lies above the truth."""
        return self.lower is not None and self.lower > self.truth


def fitted(models: dict[str, str], world: World) -> list[tuple[str, str, str, Floats]]:
    """Return (platform, campaign, status, marginal return with its interval) of the mart."""
    connection = loaded(world, np.array(CHANNELS)[world.sessions.source])
    plan, cents = world.market.plan, spend_usd_cents(world).sum(axis=1)
    campaign, day = np.nonzero(cents)
    names = np.array([c.campaign_id for c in plan.catalog.campaigns], dtype=object)
    platforms = np.array([c.platform for c in plan.catalog.campaigns], dtype=object)
    spend = {
        "platform": platforms[campaign],
        "campaign_id": names[campaign],
        "spend_date": (day + plan.start_day).astype("datetime64[D]").astype("datetime64[us]"),
        "cents": cents[campaign, day],
    }
    connection.register("days_of_spend", spend)
    connection.execute(
        "create table spend as select * replace (spend_date::date as spend_date) from days_of_spend"
    )
    build(connection, models, ("int_attribution__credits", "fct_attribution"))
    connection.execute(PERFORMANCE)
    build(connection, models, ("rpt_marginal_returns",))
    rows = connection.execute(
        "select platform, campaign_id, fit_status, marginal_roas::double,"
        " marginal_roas_lower::double, marginal_roas_upper::double"
        " from rpt_marginal_returns order by all"
    ).fetchall()
    connection.close()
    return [(row[0], row[1], row[2], np.array(row[3:], dtype=np.float64)) for row in rows]


def true_returns(world: World) -> dict[str, tuple[str, float]]:
    """Return by campaign, and by platform, the tactic and what one more dollar brings."""
    campaigns = world.market.plan.catalog.campaigns
    table = response_table(world)
    index = {c.campaign_id: i for i, c in enumerate(campaigns)}
    campaign = np.array([index[name] for name in table["campaign_id"].to_pylist()])
    day = table["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    spend = table["spend_usd_cents"].to_numpy().astype(np.float64)
    rate = np.where(is_in_euro(world)[campaign], world.exchange.rate(day) / RATE_SCALE, 1.0)
    orders = table["marginal_orders_per_unit"].to_numpy() / rate
    # every buyer's orders, the later ones too
    value = order_usd_cents(world).sum() / 100 / world.parameters.buyers
    result = {}
    for i, one in enumerate(campaigns):
        mine = campaign == i
        result[one.campaign_id] = (one.tactic, mean(orders[mine], spend[mine]) * value)
    platforms = np.array([c.platform for c in campaigns], dtype=object)[campaign]
    for name in set(platforms):
        mine = platforms == name
        result[name] = (ALL, mean(orders[mine], spend[mine]) * value)
    return result


def mean(values: Floats, weights: Floats) -> float:
    """Return a weighted mean, nothing where nothing was spent."""
    return float((values * weights).sum() / max(weights.sum(), 1.0))


def judge(seeds: int, customers: int, days: int) -> list[Judged]:
    """Return every curve of some worlds beside its truth."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        models = compiled(Path(folder), MODELS)
    for seed in range(1, seeds + 1):
        world = generate(WorldParameters(seed=seed, customers=customers, days=days))
        truth = true_returns(world)
        for platform, campaign, status, (estimate, lower, upper) in fitted(models, world):
            tactic, real = truth[platform if campaign == ALL else campaign]
            answer = [None if np.isnan(v) else float(v) for v in (estimate, lower, upper)]
            found.append(Judged(tactic, status, real, *answer))
    return found


def row_of(name: str, curves: list[Judged]) -> str:
    """Return a line of the table: how often the truth is where the interval says."""
    answered = [curve for curve in curves if curve.is_answered]
    if not answered:
        return f"| {name} | {len(curves)} | 0 | | | | | |"
    count = len(answered)
    inside = sum(curve.is_inside for curve in answered) / count
    above = sum(curve.is_too_high for curve in answered) / count
    truth = np.median([curve.truth for curve in answered])
    estimate = np.median([curve.estimate or 0.0 for curve in answered])
    width = np.median([(c.upper or 0.0) - (c.lower or 0.0) for c in answered])
    return (
        f"| {name} | {len(curves)} | {count} | {inside:.0%} | {above:.0%} "
        f"| {truth:.2f} | {estimate:.2f} | {width:.2f} |"
    )


def main() -> int:
    """Print the shares as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=180)
    options = parser.parse_args()
    curves = judge(options.seeds, options.customers, options.days)
    print(f"{options.seeds} worlds, {options.customers:,} customers, {options.days} days\n")
    print("| Tactic | curves | answered | truth inside | interval too high |", end="")
    print(" true | estimated | width |")
    print("|---" * 8 + "|")
    for tactic in dict.fromkeys(curve.tactic for curve in curves if curve.tactic != ALL):
        print(row_of(tactic, [curve for curve in curves if curve.tactic == tactic]))
    print(row_of("all campaigns", [curve for curve in curves if curve.tactic != ALL]))
    print(row_of("platforms", [curve for curve in curves if curve.tactic == ALL]))
    print("\n" + ", ".join(f"{n} {s}" for s, n in Counter(c.status for c in curves).most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
