"""Hold-outs of regions against the truth of simulated worlds: whether the intervals hold it.

    python -m benchmarks.hold_outs --seeds 5

The project's SQL (`rpt_hold_outs`) is given the first orders of a world by region and the pauses
that its team planned; what each tactic really caused is known there. Every order is seen here, so
that a world of so many customers stands for a shop of a third more, some of whom refuse.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.sql_models import build, compiled
from marketing_analytics.simulate.world.demand.causes import TACTIC
from marketing_analytics.simulate.world.demand.regions import REGIONS
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.shop.database import pause_rows
from marketing_analytics.simulate.world.world import World, generate

MODELS = ("int_hold_outs__regions", "rpt_hold_outs")
INPUTS = """
create table stg_shop__planned_pauses (pause_name varchar, platform varchar, campaign_id varchar,
    country varchar, region varchar, first_date date, last_date date);
create table int_orders__revenue as
select 'o' || number as order_id, is_first as is_first_order, false as is_opted_out,
    date '1970-01-01' + day::integer as order_date
from orders;
create table int_web__purchases as
select 'o' || orders.number as order_id, place.country, place.region
from orders inner join places as place on orders.place = place.number;
create table int_calendar__as_of as select max(order_date) as as_of_date from int_orders__revenue;
create table int_ads__campaigns as select platform, campaign_id, tactic as channel from campaigns;
create table int_ads__daily as select platform, campaign_id, 1 as spend_usd from campaigns;
"""


@dataclass(frozen=True)
class Estimate:
    """What a hold-out says of a tactic, and what is true."""

    tactic: str
    share: float
    low: float
    high: float
    truth: float

    @property
    def is_held(self) -> bool:
        """Return whether the interval holds the truth."""
        return self.low <= self.truth <= self.high


def truths(world: World) -> dict[str, float]:
    """Return the share of first orders that would be missing without each tactic."""
    first = world.orders.is_first
    causes = world.causes
    return {
        part.tactic: float(first[causes.order[causes.part == index]].sum() / first.sum())
        for index, part in enumerate(causes.parts)
        if part.level == TACTIC
    }


def estimates(world: World, models: dict[str, str]) -> tuple[list[Estimate], int]:
    """Return what the hold-outs of a world say, and how many say nothing."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as wh; use wh.main")
    orders, campaigns = world.orders, world.catalog.campaigns
    tables = {
        "orders": {
            "number": np.arange(len(orders.person)),
            "is_first": orders.is_first,
            "day": orders.day,
            "place": world.people.region[orders.person],
        },
        "places": {
            "number": np.arange(len(REGIONS)),
            "country": np.array([region.country for region in REGIONS], dtype=object),
            "region": np.array([region.name for region in REGIONS], dtype=object),
        },
        "campaigns": {
            name: np.array([getattr(campaign, name) for campaign in campaigns], dtype=object)
            for name in ("platform", "campaign_id", "tactic")
        },
    }
    for name, columns in tables.items():
        connection.register(name, columns)
    connection.execute(INPUTS)
    plan = [[str(value) for value in row] for row in pause_rows(world)]
    connection.executemany(
        "insert into stg_shop__planned_pauses values (?, ?, ?, ?, ?, ?, ?)", plan
    )
    build(connection, models, MODELS)
    known = truths(world)
    found = connection.execute(
        "select channel, caused_share, caused_share_lower, caused_share_upper from rpt_hold_outs"
    ).fetchall()
    connection.close()
    told = [row for row in found if row[1] is not None]
    return [
        Estimate(tactic, float(share), float(low), float(high), known[tactic])
        for tactic, share, low, high in told
    ], len(found) - len(told)


def main() -> int:
    """Print how often intervals hold the truth, and how wide they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=180)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        models = compiled(Path(folder), MODELS, {})
    every: list[Estimate] = []
    silent = 0
    for seed in range(1, options.seeds + 1):
        size = {"customers": options.customers, "days": options.days}
        told, untold = estimates(generate(WorldParameters(seed=seed, **size)), models)
        every, silent = every + told, silent + untold
    held = sum(one.is_held for one in every)
    width = np.mean([one.high - one.low for one in every]) if every else float("nan")
    print(f"{options.seeds} worlds of {options.customers:,} customers, {options.days} days")
    print(f"{len(every)} hold-outs estimated, {silent} not; the interval holds the truth of {held}")
    print(f"mean width of an interval: {width:.1%}")
    for tactic in sorted({one.tactic for one in every}):
        mine = [one for one in every if one.tactic == tactic]
        share, truth = np.mean([one.share for one in mine]), np.mean([one.truth for one in mine])
        print(f"  {tactic:20s} {share:7.1%} estimated on average, {truth:6.1%} true")
    return 0


if __name__ == "__main__":
    sys.exit(main())
