"""The truth of cause and effect as tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from marketing_analytics.simulate.world.chance import BoolArray, FloatArray, IntArray, texts
from marketing_analytics.simulate.world.columns import days, named
from marketing_analytics.simulate.world.demand.causes import CAMPAIGN, Part
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


def caused_table(world: World) -> pa.Table:
    """Return one row per part, region and day with spend or with orders that it caused.

    Orders stand on the day on which they are missing, spend on the day it was spent.
    """
    causes, cells, usd = world.causes, order_cells(world), order_usd_cents(world)
    by_campaign = spend_usd_cents(world)
    size, days_of = world.market.plan.demand.size, world.market.plan.demand.shape[1]
    columns: list[tuple[IntArray, ...]] = []
    for number, part in enumerate(causes.parts):
        order = causes.order[causes.part == number]
        orders = np.bincount(cells[order], minlength=size)
        revenue = np.zeros(size, dtype=np.int64)
        np.add.at(revenue, cells[order], usd[order])
        spend = spend_of(world, part, by_campaign)
        cell = np.flatnonzero((orders > 0) | (spend > 0))
        columns.append((np.full(len(cell), number), cell, spend[cell], orders[cell], revenue[cell]))
    index, cell, spend, orders, revenue = (np.concatenate(c) for c in zip(*columns, strict=True))
    return pa.table(
        {
            **part_columns(causes.parts, index),
            "region": named(NAMES, cell // days_of),
            "date": days(cell % days_of + world.market.plan.start_day),
            "spend_usd_cents": spend.astype(np.int64),
            "caused_orders": orders.astype(np.int64),
            "caused_revenue_usd_cents": revenue.astype(np.int64),
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
    """Return one row per campaign, region of its market and day: where it is on its curve.

    expected_orders = ceiling_orders * adstock / (adstock + half_saturation), first orders only.
    """
    plan, scale = world.market.plan, world.market.scale
    reach, count = usual_reach(plan), plan.demand.shape[1]
    parts: list[dict[str, FloatArray | IntArray]] = []
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
        parts.append(
            {
                "campaign": np.full(spend.size, index),
                "region": np.repeat(regions, count),
                "day": np.tile(np.arange(count) + plan.start_day, len(regions)),
                "spend_cents": spend.ravel(),
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
            "campaign_id": named([c.campaign_id for c in campaigns], campaign),
            "tactic": named([c.tactic for c in campaigns], campaign),
            "region": named(NAMES, region),
            "date": days(day),
            **joined,
        }
    )


def level_totals(world: World, level: str) -> dict[str, dict[str, int]]:
    """Return spend, caused orders and caused revenue by the name of each part of a level."""
    causes, usd = world.causes, order_usd_cents(world)
    by_campaign = spend_usd_cents(world)
    result = {}
    for index, part in enumerate(causes.parts):
        if part.level == level:
            order = causes.order[causes.part == index]
            name = part.campaign_id if level == CAMPAIGN else part.tactic or part.channel
            result[name] = {
                "spend": int(spend_of(world, part, by_campaign).sum()),
                "orders": len(order),
                "revenue": int(usd[order].sum()),
            }
    return result
