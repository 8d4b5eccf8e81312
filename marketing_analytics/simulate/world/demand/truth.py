"""The truth of cause and effect as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from marketing_analytics.simulate.world.ads.platforms import BY_NAME
from marketing_analytics.simulate.world.chance import BoolArray, FloatArray, IntArray, texts
from marketing_analytics.simulate.world.columns import days, named
from marketing_analytics.simulate.world.demand.causes import CAMPAIGN, CHANNEL, TACTIC, Part
from marketing_analytics.simulate.world.demand.regions import REGIONS, region_shares
from marketing_analytics.simulate.world.demand.response import (
    adstock,
    marginal,
    saturation,
    slope,
)
from marketing_analytics.simulate.world.demand.shoppers import usual_reach
from marketing_analytics.simulate.world.demand.tactics import COMMISSION_SHARE
from marketing_analytics.simulate.world.names import ids
from marketing_analytics.simulate.world.web.visits import AFFILIATE_SOURCE
from marketing_analytics.simulate.world.world import World

NAMES = [region.name for region in REGIONS]


def region_table(world: World) -> pa.Table:
    """Return one row per region."""
    return pa.table(
        {
            "region": NAMES,
            "country": [region.country for region in REGIONS],
            "market": [region.market for region in REGIONS],
            "share_of_people": region_shares(world.parameters),
        }
    )


def pause_table(world: World) -> pa.Table:
    """Return one row per tactic and region that was planned not to run; dates are inclusive."""
    pauses = world.market.plan.pauses
    return pa.table(
        {
            "kind": [pause.kind for pause in pauses],
            "tactic": [pause.tactic for pause in pauses],
            "region": [NAMES[pause.region] for pause in pauses],
            "first_date": days(np.array([pause.first_day for pause in pauses])),
            "last_date": days(np.array([pause.last_day for pause in pauses])),
        }
    )


def order_cells(world: World) -> IntArray:
    """Return the (region, day) of each order as one number."""
    plan, orders = world.market.plan, world.orders
    region = world.people.region[orders.person]
    return np.asarray(region * plan.demand.shape[1] + orders.day - plan.start_day)


def order_usd_cents(world: World) -> IntArray:
    """Return the value of each order in US cents."""
    orders = world.orders
    return world.exchange.usd_cents(orders.total_cents, orders.is_eur, orders.day)


def is_in_euro(world: World) -> BoolArray:
    """Return whether each campaign is paid in euros."""
    catalog = world.market.plan.catalog
    return np.array([catalog.account(c.account_id).currency == "EUR" for c in catalog.campaigns])


def spend_usd_cents(world: World) -> IntArray:
    """Return spend per campaign, region and day in US cents, rounded per cell."""
    cents, days_of = world.market.plan.campaign_cents, world.market.plan.demand.shape[1]
    calendar = np.arange(days_of) + world.market.plan.start_day
    is_eur = is_in_euro(world)[:, None, None]
    return world.exchange.usd_cents(cents, is_eur, calendar[None, None, :])


def commissions(world: World) -> IntArray:
    """Return what affiliates earn per (region, day), in US cents: a share of the last visit's."""
    sessions = world.sessions
    rows = (sessions.order >= 0) & (sessions.source == AFFILIATE_SOURCE)
    order = sessions.order[rows]
    earned = np.rint(order_usd_cents(world)[order] * COMMISSION_SHARE).astype(np.int64)
    result = np.zeros(world.market.plan.demand.size, dtype=np.int64)
    np.add.at(result, order_cells(world)[order], earned)
    return result


def spend_of(world: World, part: Part, by_campaign: IntArray) -> IntArray:
    """Return the spend of a part per (region, day), in US cents; mails cost nothing."""
    if part.has_affiliates:
        return commissions(world)
    return np.asarray(by_campaign[list(part.campaigns)].sum(axis=0).ravel())


@dataclass(frozen=True)
class PartCells:
    """What a part cost and caused, per (region, day): orders, and US cents of money.

    Orders stand on the day on which they are missing, spend on the day it was spent.
    """

    part: Part
    spend: IntArray
    orders: IntArray
    revenue: IntArray

    def by_region(self) -> PartCells:
        """Return the sums over the days."""
        sums = (
            column.reshape(len(NAMES), -1).sum(axis=1)
            for column in (self.spend, self.orders, self.revenue)
        )
        return PartCells(self.part, *sums)


def cells_of_parts(world: World) -> Iterator[PartCells]:
    """Return what every campaign, tactic and channel cost and caused."""
    causes, cells, usd = world.causes, order_cells(world), order_usd_cents(world)
    by_campaign, size = spend_usd_cents(world), world.market.plan.demand.size
    for number, part in enumerate(causes.parts):
        order = causes.order[causes.part == number]
        revenue = np.zeros(size, dtype=np.int64)
        np.add.at(revenue, cells[order], usd[order])
        orders = np.bincount(cells[order], minlength=size).astype(np.int64)
        yield PartCells(part, spend_of(world, part, by_campaign), orders, revenue)


def caused_table(world: World) -> pa.Table:
    """Return one row per part, region and day with spend or with orders that it caused."""
    days_of = world.market.plan.demand.shape[1]
    columns: list[tuple[IntArray, ...]] = []
    for number, of in enumerate(cells_of_parts(world)):
        cell = np.flatnonzero((of.orders > 0) | (of.spend > 0))
        place = np.full(len(cell), number)
        columns.append((place, cell, of.spend[cell], of.orders[cell], of.revenue[cell]))
    index, cell, spend, orders, revenue = (np.concatenate(c) for c in zip(*columns, strict=True))
    return pa.table(
        {
            **part_columns(world.causes.parts, index),
            "region": named(NAMES, cell // days_of),
            "date": days(cell % days_of + world.market.plan.start_day),
            "spend_usd_cents": spend,
            "caused_orders": orders,
            "caused_revenue_usd_cents": revenue,
        }
    )


def part_columns(parts: tuple[Part, ...], index: IntArray) -> dict[str, pa.Array]:
    """Return the columns that name a part; what does not apply at its level is null."""
    names = {
        "level": [part.level for part in parts],
        "channel": [part.channel for part in parts],
        "tactic": [part.tactic or None for part in parts],
        "campaign_id": [part.campaign_id or None for part in parts],
    }
    return {name: pa.array(texts(values)[index], pa.string()) for name, values in names.items()}


def caused_order_table(world: World) -> pa.Table:
    """Return one row per part and order that would be missing without it."""
    causes = world.causes
    orders = ids("order", len(world.orders.person))
    columns = part_columns(causes.parts, causes.part)
    return pa.table({**columns, "order_id": pa.array(orders[causes.order], pa.string())})


def meant_to_buy(world: World, *, needs_visit: bool) -> FloatArray:
    """Return the orders per region and day that come without any harvesting."""
    market = world.market
    shoppers, demand = market.shoppers, market.plan.demand
    rows = market.has_visited | (not needs_visit)
    cell = shoppers.region * demand.shape[1] + shoppers.day
    weight = shoppers.chance * market.scale * rows
    counts = np.bincount(cell, weight, minlength=demand.size).reshape(demand.shape)
    return np.asarray(counts, dtype=np.float64)


def response_table(world: World) -> pa.Table:
    """Return one row per campaign, region of its market and day: what it caused, and its curve.

    expected_orders = ceiling_orders * adstock / (adstock + half_saturation), first orders only;
    caused are those that are missing without it, later orders of the same people included.
    """
    plan, scale = world.market.plan, world.market.scale
    reach, count = usual_reach(plan), plan.demand.shape[1]
    parts: list[dict[str, FloatArray | IntArray]] = []
    caused = {of.part.campaign_id: of for of in cells_of_parts(world)}
    for index, tactic in enumerate(plan.tactics):
        regions = np.flatnonzero(plan.usual_cents[index] > 0)
        usual = plan.usual_cents[index][regions, None]
        spend = plan.campaign_cents[index][regions]
        pressure = adstock(tactic, spend.astype(np.float64)) / usual
        if tactic.conversion:
            # what the campaign brings at its usual spend
            unit = np.repeat(reach[index][regions, None] * tactic.conversion * scale, count, axis=1)
        else:
            unit = tactic.lift * meant_to_buy(world, needs_visit=tactic.needs_visit)[regions]
        gain = unit * slope(tactic, pressure) / usual
        shape = spend.shape
        of = caused[plan.catalog.campaigns[index].campaign_id]
        cells = (regions[:, None] * count + np.arange(count)).ravel()
        parts.append(
            {
                "campaign": np.full(spend.size, index),
                "region": np.repeat(regions, count),
                "day": np.tile(np.arange(count) + plan.start_day, len(regions)),
                "spend_cents": spend.ravel(),
                "spend_usd_cents": of.spend[cells],
                "caused_orders": of.orders[cells],
                "caused_revenue_usd_cents": of.revenue[cells],
                "adstock_cents": (pressure * usual).ravel(),
                "half_saturation_cents": np.broadcast_to(
                    usual * tactic.half_saturation, shape
                ).ravel(),
                "ceiling_orders": (unit * (1.0 + tactic.half_saturation)).ravel(),
                "expected_orders": (unit * saturation(tactic, pressure)).ravel(),
                # of one more whole unit of the currency, on this day and all later ones
                "marginal_orders_per_unit": (100.0 * marginal(tactic, gain)).ravel(),
            }
        )
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    campaigns = plan.catalog.campaigns
    campaign, region, day = (
        joined.pop(name).astype(np.int64) for name in ("campaign", "region", "day")
    )
    return pa.table(
        {
            "channel": named([BY_NAME[c.platform].channel for c in campaigns], campaign),
            "campaign_id": named([c.campaign_id for c in campaigns], campaign),
            "tactic": named([c.tactic for c in campaigns], campaign),
            "region": named(NAMES, region),
            "date": days(day),
            **joined,
        }
    )


Totals = dict[str, int]


def totals(spend: IntArray, orders: IntArray, revenue: IntArray) -> Totals:
    """Return sums by what they are of."""
    return {
        "spend": int(spend.sum()),
        "orders": int(orders.sum()),
        "revenue": int(revenue.sum()),
    }


def level_totals(world: World) -> dict[str, dict[str, Totals]]:
    """Return spend, caused orders and caused revenue by level and name of the part."""
    result: dict[str, dict[str, Totals]] = {CAMPAIGN: {}, TACTIC: {}, CHANNEL: {}}
    for of in cells_of_parts(world):
        part = of.part
        name = {CAMPAIGN: part.campaign_id, TACTIC: part.tactic, CHANNEL: part.channel}
        result[part.level][name[part.level]] = totals(of.spend, of.orders, of.revenue)
    return result


def region_totals(world: World) -> dict[str, dict[str, Totals]]:
    """Return the same by region and channel."""
    result: dict[str, dict[str, Totals]] = {name: {} for name in NAMES}
    for of in cells_of_parts(world):
        if of.part.level == CHANNEL:
            sums = of.by_region()
            for i, name in enumerate(NAMES):
                result[name][of.part.channel] = totals(
                    sums.spend[i], sums.orders[i], sums.revenue[i]
                )
    return result
