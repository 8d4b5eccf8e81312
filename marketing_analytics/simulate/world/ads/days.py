"""Delivery per ad and day: impressions, reach, clicks and spend; no fewer clicks than visits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from marketing_analytics.simulate.world.ads.catalog import Catalog
from marketing_analytics.simulate.world.ads.platforms import META
from marketing_analytics.simulate.world.ads.wear import build_wear
from marketing_analytics.simulate.world.chance import IntArray, stream
from marketing_analytics.simulate.world.customers.people import NEVER_US
from marketing_analytics.simulate.world.demand.plan import SpendPlan
from marketing_analytics.simulate.world.parameters import HOUR_US, WorldParameters
from marketing_analytics.simulate.world.web.visits import Sessions

# of the clicks that the spend bought, so many never become a visit at least
LEAST_LOST_SHARE = 0.15
# enough to prove that a row taken back disappears, too few to move a total
VANISHING_ROWS = 2


@dataclass(frozen=True)
class AdDays:
    """One row per ad and account-local day with delivery, sorted by ad and day.

    `removed_us` is when the platform takes the row back as invalid traffic; `click_rate_left` the
    share of its first click rate that a tired ad still has, in millionths.
    """

    ad: IntArray
    day: IntArray
    impressions: IntArray
    clicks: IntArray
    spend_cents: IntArray
    visits: IntArray
    removed_us: IntArray
    reach: IntArray
    click_rate_left: IntArray


def by_week(amounts: IntArray) -> IntArray:
    """Return for each ad and day the sum of its week; weeks are counted back from the last day."""
    week = np.arange(amounts.shape[1])[::-1] // 7
    sums = np.stack([amounts[:, week == number].sum(axis=1) for number in range(week[0] + 1)])
    return np.asarray(sums[week].T, dtype=np.int64)


def build_ad_days(parameters: WorldParameters, plan: SpendPlan, sessions: Sessions) -> AdDays:
    """Return the delivery that the spend bought, with a click at least for every visit."""
    rng = stream(parameters.seed, "delivery")
    catalog = plan.catalog
    ads, days = len(catalog.ads), parameters.days
    # one (ads x days) grid: platforms report by ad, whatever the region
    spend = plan.ad_cents.sum(axis=1)
    from_ad = np.flatnonzero(sessions.ad >= 0)
    # one number per cell of the grid, so that one count finds the visits of all cells
    cell = sessions.ad[from_ad] * days + sessions.ad_day[from_ad] - parameters.start_day
    visits = np.bincount(cell, minlength=ads * days).reshape(ads, days)
    cpc = np.array([ad.cpc_cents for ad in catalog.ads])[:, None]
    ctr = np.array([ad.ctr_ppm for ad in catalog.ads])[:, None] / 1e6
    # clicks that never become a visit follow the spend, less the ad's usual visits of these weeks:
    # of the last days many visits will only come
    per_cent = by_week(visits) / np.maximum(by_week(spend), 1)
    lost = np.maximum(spend / cpc - spend * per_cent, LEAST_LOST_SHARE * spend / cpc)
    clicks = visits + rng.poisson(lost)
    wear = build_wear(parameters, catalog, spend)
    # auctions: the price of a view differs from day to day, but never by a factor
    noise = np.clip(rng.lognormal(0, 0.12, (ads, days)), 0.6, 1.6)
    # on top of the clicks, as nobody clicks what was not shown; what cost money was shown
    shown = rng.poisson(spend / cpc / (ctr * wear.rate) * noise)
    impressions = clicks + np.maximum(shown, spend > 0)
    # platforms report no row for a day on which nothing was shown
    ad, day = np.nonzero(impressions)
    table = AdDays(
        ad=ad.astype(np.int64),
        day=(day + parameters.start_day).astype(np.int64),
        impressions=impressions[ad, day].astype(np.int64),
        clicks=clicks[ad, day].astype(np.int64),
        spend_cents=spend[ad, day].astype(np.int64),
        visits=visits[ad, day].astype(np.int64),
        removed_us=np.full(len(ad), NEVER_US, dtype=np.int64),
        reach=wear.reach(impressions)[ad, day],
        click_rate_left=np.rint(wear.rate[ad, day] * 1e6).astype(np.int64),
    )
    return with_vanishing_rows(parameters, catalog, table)


def with_vanishing_rows(parameters: WorldParameters, catalog: Catalog, table: AdDays) -> AdDays:
    """Mark a few late Meta rows that disappear two days after the ledger's moment."""
    is_meta = np.array([ad.platform == META for ad in catalog.ads])[table.ad]
    # late enough to lie in the window that the next run reads again
    is_late = table.day == parameters.end_day - 2
    # without visits, so that no click of the export loses its ad day
    rows = np.flatnonzero(is_meta & is_late & (table.visits == 0))[:VANISHING_ROWS]
    removed = table.removed_us.copy()
    removed[rows] = parameters.as_of_us + 48 * HOUR_US
    return replace(table, removed_us=removed)


def with_budgets(catalog: Catalog, ad_days: AdDays) -> Catalog:
    """Return the catalog with daily budgets a little above the mean daily spend."""
    spent: dict[str, int] = {}
    for ad, cents in zip(ad_days.ad, ad_days.spend_cents, strict=True):
        campaign = catalog.ads[ad].campaign_id
        spent[campaign] = spent.get(campaign, 0) + int(cents)
    campaigns = []
    for campaign in catalog.campaigns:
        days = campaign.last_day - campaign.first_day + 1
        # a campaign that spent nothing has a budget all the same
        whole = max(1, round(spent.get(campaign.campaign_id, 0) * 1.2 / days / 100))
        campaigns.append(replace(campaign, daily_budget_cents=whole * 100))
    return replace(catalog, campaigns=tuple(campaigns))
