"""What the platforms claim, and when they come to claim it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.ads.catalog import Catalog
from marketing_analytics.simulate.world.ads.days import AdDays
from marketing_analytics.simulate.world.ads.platforms import BY_NAME
from marketing_analytics.simulate.world.chance import IntArray, pick, spread, stream
from marketing_analytics.simulate.world.customers.purchases import Orders
from marketing_analytics.simulate.world.exchange import Exchange
from marketing_analytics.simulate.world.parameters import (
    DAY_US,
    HOUR_US,
    SECOND_US,
    WorldParameters,
)
from marketing_analytics.simulate.world.web.visits import SOURCES, Sessions

CLICK, VIEW = 0, 1
KINDS = ("click", "view")
MATURITY_DAYS = 28
WHOLE_PPM = 1_000_000
# orders per click that will only come after the world's last day, on that day
FUTURE_ORDERS_PER_CLICK = 0.03
FUTURE_LAG_DAYS = 6.5


@dataclass(frozen=True)
class Claims:
    """One row per conversion a platform books on an ad and its click day.

    `row` points into the ad days; money is cents of the account's currency;
    `weight_ppm` is the share of the conversion it books, in millionths.
    """

    row: IntArray
    order: IntArray
    kind: IntArray
    lag_us: IntArray
    reported_us: IntArray
    weight_ppm: IntArray
    value_cents: IntArray


def ad_day_rows(ad_days: AdDays, ad: IntArray, day: IntArray) -> IntArray:
    """Return the row of each (ad, day); the pair must exist."""
    # 20 bits hold days until the year 4800; ad days are sorted by ad and day, so keys are too
    keys = ad_days.ad * (1 << 20) + ad_days.day
    return np.asarray(np.searchsorted(keys, ad * (1 << 20) + day), dtype=np.int64)


def last_clicks(sessions: Sessions) -> IntArray:
    """Return the last ad session of each order and platform, as session indexes."""
    index = np.flatnonzero((sessions.ad >= 0) & (sessions.journey_order >= 0))
    # platforms do not know of each other: each takes its own last click
    key = sessions.journey_order[index] * len(SOURCES) + sessions.source[index]
    order = np.lexsort((sessions.start_us[index], key))
    index, key = index[order], key[order]
    is_last = np.concatenate([key[1:] != key[:-1], [True]]) if len(key) else np.zeros(0, bool)
    return np.asarray(index[is_last], dtype=np.int64)


def click_claims(
    parameters: WorldParameters,
    catalog: Catalog,
    exchange: Exchange,
    orders: Orders,
    sessions: Sessions,
    ad_days: AdDays,
) -> Claims:
    """Return a claim of every platform that was clicked within 28 days before an order."""
    rng = stream(parameters.seed, "click claims")
    index = last_clicks(sessions)
    order = sessions.journey_order[index]
    lag = orders.ordered_us[order] - sessions.start_us[index]
    # longer ago than the longest window any platform counts
    keep = lag <= MATURITY_DAYS * DAY_US
    index, order, lag = index[keep], order[keep], lag[keep]
    # conversions are reported with hours of delay
    delay = rng.integers(HOUR_US // 2, 15 * HOUR_US, len(index))
    by_ad = [BY_NAME[ad.platform].is_data_driven for ad in catalog.ads]
    is_data_driven = np.array(by_ad)[sessions.ad[index]]
    # data-driven attribution books parts of a conversion on several clicks
    share = np.array([WHOLE_PPM, 500_000, 333_333, 666_667])[pick(rng, (70, 14, 8, 8), len(index))]
    # an account that reaches all markets books orders in its own currency
    accounts = {account.account_id: account for account in catalog.accounts}
    by_ad = [accounts[ad.account_id].currency == "USD" for ad in catalog.ads]
    is_in_usd = np.array(by_ad)[sessions.ad[index]]
    in_usd = exchange.usd_cents(orders.total_cents, orders.is_eur, orders.day)[order]
    return Claims(
        row=ad_day_rows(ad_days, sessions.ad[index], sessions.ad_day[index]),
        order=order,
        kind=np.full(len(index), CLICK, dtype=np.int64),
        lag_us=lag,
        # whole seconds, as everything that leaves the world
        reported_us=orders.ordered_us[order] + delay // SECOND_US * SECOND_US,
        weight_ppm=np.where(is_data_driven, share, WHOLE_PPM).astype(np.int64),
        value_cents=np.where(is_in_usd, in_usd, orders.total_cents[order]).astype(np.int64),
    )


def modelled_claims(
    parameters: WorldParameters, catalog: Catalog, ad_days: AdDays, kind: int
) -> Claims:
    """Return conversions that no click of ours explains: modelled ones, or after a view."""
    rng = stream(parameters.seed, f"modelled claims {KINDS[kind]}")
    platforms = [BY_NAME[ad.platform] for ad in catalog.ads]
    rates = [p.views_per_impression if kind == VIEW else p.modelled_per_click for p in platforms]
    rate = np.array(rates)[ad_days.ad]
    volume = ad_days.impressions if kind == VIEW else ad_days.clicks
    # independent of each other and of our orders: a Poisson count per row
    row = spread(rng.poisson(rate * volume).astype(np.int64))
    count = len(row)
    # a view counts for one day, a click for the longest window
    limit_days = 1.0 if kind == VIEW else float(MATURITY_DAYS)
    # scaled down at random, so that the limit is no wall on which they pile up
    lag_days = np.minimum(rng.exponential(6.0, count), limit_days) * rng.uniform(0.1, 1.0, count)
    lag_us = (lag_days * 86_400).astype(np.int64) * SECOND_US
    delay_us = rng.integers(1_800, 54_000, count) * SECOND_US
    # data-driven ones are parts as well
    share = np.array([WHOLE_PPM, 500_000, 250_000])[pick(rng, (50, 30, 20), count)]
    is_data_driven = np.array([p.is_data_driven for p in platforms])[ad_days.ad[row]]
    # around 42 in the account's currency, near the mean order
    value = np.clip(np.rint(rng.gamma(2.2, 1_900.0, count)), 100, 100_000).astype(np.int64)
    return Claims(
        row=row,
        order=np.full(count, -1, dtype=np.int64),
        kind=np.full(count, kind, dtype=np.int64),
        lag_us=lag_us,
        # the click has no moment of its own: the middle of the account's day stands for it
        reported_us=ad_days.day[row] * DAY_US + 14 * HOUR_US + lag_us + delay_us,
        weight_ppm=np.where(is_data_driven, share, WHOLE_PPM).astype(np.int64),
        value_cents=value,
    )


def future_claims(parameters: WorldParameters, ad_days: AdDays) -> Claims:
    """Return conversions of orders after the last day, booked back on its last clicks."""
    rng = stream(parameters.seed, "future claims")
    # the soonest such an order can come is the day after the world
    age_days = parameters.end_day - ad_days.day + 1
    # the chance that an order is still to come fades with the age of the click
    rate = FUTURE_ORDERS_PER_CLICK * np.exp(-age_days / FUTURE_LAG_DAYS) * ad_days.clicks
    row = spread(rng.poisson(rate * (age_days < MATURITY_DAYS)).astype(np.int64))
    count = len(row)
    # counted from the click: at least until the world has ended
    lag_days = age_days[row] + rng.exponential(FUTURE_LAG_DAYS, count)
    lag_us = (np.minimum(lag_days, MATURITY_DAYS) * 86_400).astype(np.int64) * SECOND_US
    value = np.clip(np.rint(rng.gamma(2.2, 1_900.0, count)), 100, 100_000).astype(np.int64)
    return Claims(
        row=row,
        order=np.full(count, -1, dtype=np.int64),
        kind=np.full(count, CLICK, dtype=np.int64),
        lag_us=lag_us,
        reported_us=ad_days.day[row] * DAY_US + 20 * HOUR_US + lag_us,
        weight_ppm=np.full(count, WHOLE_PPM, dtype=np.int64),
        value_cents=value,
    )


def build_claims(
    parameters: WorldParameters,
    catalog: Catalog,
    exchange: Exchange,
    orders: Orders,
    sessions: Sessions,
    ad_days: AdDays,
) -> Claims:
    """Return all claims sorted by ad-day row and time."""
    parts = (
        click_claims(parameters, catalog, exchange, orders, sessions, ad_days),
        modelled_claims(parameters, catalog, ad_days, CLICK),
        modelled_claims(parameters, catalog, ad_days, VIEW),
        future_claims(parameters, ad_days),
    )
    fields = Claims.__dataclass_fields__
    joined = {name: np.concatenate([getattr(p, name) for p in parts]) for name in fields}
    order = np.lexsort((joined["order"], joined["kind"], joined["reported_us"], joined["row"]))
    return Claims(**{name: values[order] for name, values in joined.items()})
