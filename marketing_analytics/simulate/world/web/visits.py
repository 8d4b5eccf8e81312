"""Sessions: the journeys that lead to orders, and those that lead nowhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from marketing_analytics.simulate.world.ads.catalog import Account, Catalog
from marketing_analytics.simulate.world.ads.platforms import AD_PLATFORMS, PLATFORMS
from marketing_analytics.simulate.world.calendar import local_day
from marketing_analytics.simulate.world.chance import (
    BoolArray,
    FloatArray,
    IntArray,
    daytime_fraction,
    pick,
    pick_in_rows,
    rank_within,
    spread,
    stream,
)
from marketing_analytics.simulate.world.customers.people import People
from marketing_analytics.simulate.world.customers.purchases import Orders
from marketing_analytics.simulate.world.parameters import DAY_US, SECOND_US, WorldParameters

# the sources of visits that no ad brought, then the ad platforms
FREE_SOURCES = ("direct", "organic_search", "organic_social", "referral", "email")
SOURCES = (*FREE_SOURCES, *PLATFORMS)
EMAIL_SOURCE = FREE_SOURCES.index("email")
FIRST_AD_SOURCE = len(FREE_SOURCES)
CHANNELS = (*FREE_SOURCES, *(platform.channel for platform in AD_PLATFORMS))
# weights by SOURCES
FIRST_ORDER_MIX = (14, 15, 5, 5, 5, *(p.first_order_weight for p in AD_PLATFORMS))
REPEAT_ORDER_MIX = (26, 14, 3, 3, 32, *(p.repeat_order_weight for p in AD_PLATFORMS))
BROWSING_MIX = (22, 18, 6, 4, 22, *(p.browsing_weight for p in AD_PLATFORMS))
VISITOR_MIX = (13, 20, 8, 6, 4, *(p.visitor_weight for p in AD_PLATFORMS))
# how far a visit without an order goes: bounce, browse, product, cart, checkout
DEPTH_MIX = (34, 26, 24, 11, 5)
# positions in DEPTH_MIX, and one beyond it: only orders go that far
CART_DEPTH, PURCHASE_DEPTH = 3, 5
# 0 is a visit with all of its tags
TAG_CLICK_ID, TAG_LOST = 1, 2
USUAL_TAG_WEIGHTS = (86, 7, 7)
NO_INDEX = -1


@dataclass(frozen=True)
class Sessions:
    """Sessions sorted by device and start; the truth, tracked or not.

    `order` and `ad` are indexes or -1; `mail` is the index of the send that was clicked.
    """

    person: IntArray
    device: IntArray
    start_us: IntArray
    end_us: IntArray
    source: IntArray
    order: IntArray
    journey_order: IntArray
    depth: IntArray
    ad: IntArray
    ad_day: IntArray
    mail: IntArray
    tag: IntArray
    is_tracked: BoolArray
    is_logged_in: BoolArray
    session_id: IntArray
    session_number: IntArray

    @property
    def count(self) -> int:
        """Return the number of sessions."""
        return len(self.person)


@dataclass(frozen=True)
class Sketch:
    """A session before its device, ad and tracking are decided."""

    person: IntArray
    start_us: IntArray
    end_us: IntArray
    source: IntArray
    order: IntArray
    journey_order: IntArray
    depth: IntArray


def join_sketches(sketches: list[Sketch]) -> Sketch:
    """Return all sketches in one."""
    fields = Sketch.__dataclass_fields__
    return Sketch(**{name: np.concatenate([getattr(s, name) for s in sketches]) for name in fields})


def converting_sessions(orders: Orders, mix: IntArray, rng: np.random.Generator) -> Sketch:
    """Return one session per order that ends shortly after the purchase."""
    count = len(orders.customer)
    # 3 to 25 minutes from landing to order
    lead_us = rng.integers(180, 1_500, count) * SECOND_US
    index = np.arange(count, dtype=np.int64)
    return Sketch(
        person=orders.customer,
        start_us=orders.ordered_us - lead_us,
        # the purchase is the last event of its visit
        end_us=orders.ordered_us,
        source=mix,
        order=index,
        journey_order=index,
        depth=np.full(count, PURCHASE_DEPTH, dtype=np.int64),
    )


def order_mix(orders: Orders, indexes: IntArray, rng: np.random.Generator) -> IntArray:
    """Return a source per order index: new customers come through ads, old ones through mail."""
    first = pick(rng, FIRST_ORDER_MIX, len(indexes))
    repeat = pick(rng, REPEAT_ORDER_MIX, len(indexes))
    return np.where(orders.is_first[indexes], first, repeat).astype(np.int64)


def journey_sessions(orders: Orders, rng: np.random.Generator) -> Sketch:
    """Return the earlier sessions of each order, a week before it on average."""
    # who does not know the shop yet comes more often before ordering
    counts = rng.poisson(np.where(orders.is_first, 1.5, 0.9))
    order = spread(counts.astype(np.int64))
    # an hour before the order at least: closer visits would be the same session
    lag_seconds = (3_600 + rng.exponential(6.5 * 86_400, len(order))).astype(np.int64)
    start_us = orders.ordered_us[order] - lag_seconds * SECOND_US
    seconds = rng.integers(20, 700, len(order))
    return Sketch(
        person=orders.customer[order],
        start_us=start_us,
        end_us=start_us + seconds * SECOND_US,
        source=order_mix(orders, order, rng),
        order=np.full(len(order), NO_INDEX, dtype=np.int64),
        journey_order=order,
        depth=pick(rng, (22, 28, 30, 14, 6), len(order)),
    )


def browsing_sessions(
    parameters: WorldParameters,
    persons: IntArray,
    from_us: IntArray,
    mix: tuple[int, ...],
    rng: np.random.Generator,
) -> Sketch:
    """Return sessions without an order, one per entry of `persons`, after `from_us`."""
    count = len(persons)
    # anywhere between the first possible moment and the end
    days = (parameters.end_us - from_us) / DAY_US * rng.random(count)
    whole = np.floor(days)
    # whole days first, then a time of day that follows waking hours
    moment = from_us // DAY_US * DAY_US + whole.astype(np.int64) * DAY_US
    within = (daytime_fraction(days - whole) * 86_399).astype(np.int64) * SECOND_US
    # the bent time of day may fall before the account existed
    start_us = np.maximum(moment + within, from_us)
    seconds = rng.integers(15, 800, count)
    return Sketch(
        person=persons,
        start_us=start_us,
        end_us=start_us + seconds * SECOND_US,
        source=pick(rng, mix, count),
        order=np.full(count, NO_INDEX, dtype=np.int64),
        journey_order=np.full(count, NO_INDEX, dtype=np.int64),
        depth=pick(rng, DEPTH_MIX, count),
    )


def sketch_sessions(parameters: WorldParameters, people: People, orders: Orders) -> Sketch:
    """Return every session of people (bots are added in the GA4 export)."""
    rng = stream(parameters.seed, "sessions")
    index = np.arange(len(orders.customer), dtype=np.int64)
    converting = converting_sessions(orders, order_mix(orders, index, rng), rng)
    journeys = journey_sessions(orders, rng)
    # customers who look around without buying, about once each
    regulars = spread(rng.poisson(0.9, people.customers).astype(np.int64))
    browsing = browsing_sessions(
        parameters, regulars, people.created_us[regulars], BROWSING_MIX, rng
    )
    # a visitor was there at least once
    visits = 1 + rng.poisson(0.45, people.count - people.customers)
    visitors = people.customers + spread(visits.astype(np.int64))
    start = np.full(len(visitors), parameters.start_us, dtype=np.int64)
    strangers = browsing_sessions(parameters, visitors, start, VISITOR_MIX, rng)
    joined = join_sketches([converting, journeys, browsing, strangers])
    # what lies before the first day was never measured; orders are kept whole
    starts = np.maximum(joined.start_us, np.where(joined.order >= 0, parameters.start_us, 0))
    # the last minutes of a visit may not run past the end of the world
    ends = np.clip(joined.end_us, starts, parameters.end_us - 1)
    joined = replace(joined, start_us=starts, end_us=ends)
    keep = (joined.start_us >= parameters.start_us) & (joined.start_us < parameters.end_us)
    return Sketch(**{name: getattr(joined, name)[keep] for name in Sketch.__dataclass_fields__})


def without_email(sketch: Sketch, is_refused: BoolArray) -> Sketch:
    """Turn e-mail sessions of people who got no mail into direct ones."""
    return replace(sketch, source=np.where(is_refused, 0, sketch.source).astype(np.int64))


def choose_devices(people: People, persons: IntArray, rng: np.random.Generator) -> IntArray:
    """Return a device per session; the first one of a person is used most."""
    # the power pulls draws to zero, to the first device
    drawn = rng.random(len(persons)) ** 1.6
    return np.asarray(
        people.device_start[persons] + (drawn * people.device_count[persons]).astype(np.int64),
        dtype=np.int64,
    )


def ad_weights(parameters: WorldParameters, catalog: Catalog, indexes: IntArray) -> FloatArray:
    """Return cumulative weights (days x ads); an ad weighs nothing outside its days."""
    days = np.arange(parameters.start_day, parameters.end_day + 1)[:, None]
    first = np.array([catalog.ads[i].first_day for i in indexes])
    last = np.array([catalog.ads[i].last_day for i in indexes])
    weight = np.array([catalog.ads[i].weight for i in indexes])
    # cumulative, so that one draw per session picks among the ads of its day
    return np.cumsum(((days >= first) & (days <= last)) * weight, axis=1)


def clip_day(parameters: WorldParameters, moments_us: IntArray, account: Account) -> IntArray:
    """Return the account-local day, kept inside the days of the world."""
    days = local_day(moments_us, account.timezone_name)
    # at the edges a local day can lie outside of the world, where no ad runs
    return np.clip(days, parameters.start_day, parameters.end_day)


def choose_ads(
    parameters: WorldParameters, catalog: Catalog, people: People, sketch: Sketch
) -> tuple[IntArray, IntArray]:
    """Return (ad index, account-local day) per session, -1 for sessions without an ad."""
    rng = stream(parameters.seed, "ads of sessions")
    count = len(sketch.person)
    ad = np.full(count, NO_INDEX, dtype=np.int64)
    ad_day = np.full(count, NO_INDEX, dtype=np.int64)
    is_eur = people.is_eur[sketch.person]
    for account in catalog.accounts:
        ads = np.array(
            [i for i, a in enumerate(catalog.ads) if a.account_id == account.account_id],
            dtype=np.int64,
        )
        if len(ads) == 0:
            continue
        # ads reach people of their market; an account without one reaches all
        is_market = is_eur == (account.market == "EU") if account.market else np.ones(count, bool)
        rows = np.flatnonzero((sketch.source == SOURCES.index(account.platform)) & is_market)
        days = clip_day(parameters, sketch.start_us[rows], account)
        table = ad_weights(parameters, catalog, ads)
        ad[rows] = ads[pick_in_rows(rng, table, days - parameters.start_day)]
        ad_day[rows] = days
    return ad, ad_day


def unique_session_ids(device: IntArray, start_us: IntArray) -> IntArray:
    """Return the start in seconds, moved on where a device would have it twice."""
    seconds = start_us // SECOND_US
    # GA4 takes the second of the start for the id, and two sessions of a device may share it
    for i in np.flatnonzero((device[1:] == device[:-1]) & (np.diff(seconds) <= 0)) + 1:
        seconds[i] = max(seconds[i], seconds[i - 1] + 1)
    # a moved id may meet the next one; the loop is rarely entered
    while True:
        clash = np.flatnonzero((device[1:] == device[:-1]) & (np.diff(seconds) <= 0)) + 1
        if len(clash) == 0:
            return np.asarray(seconds, dtype=np.int64)
        for i in clash:
            seconds[i] = seconds[i - 1] + 1


def tracked_numbers(device: IntArray, is_tracked: BoolArray) -> IntArray:
    """Return 1, 2, ... for the tracked sessions of each device and 0 for the others."""
    # a running count less what was counted before the device began
    running = np.cumsum(is_tracked)
    starts = np.flatnonzero(rank_within(device) == 0)
    before: IntArray = running[starts] - is_tracked[starts]
    base: IntArray = np.repeat(before, np.diff(np.concatenate([starts, [len(device)]])))
    return np.where(is_tracked, running - base, 0).astype(np.int64)


def build_sessions(
    parameters: WorldParameters,
    catalog: Catalog,
    people: People,
    sketch: Sketch,
    mail: IntArray,
) -> Sessions:
    """Decide device, ad, tags and tracking of each session and sort by device and start."""
    rng = stream(parameters.seed, "tracking")
    count = len(sketch.person)
    device = choose_devices(people, sketch.person, rng)
    ad, ad_day = choose_ads(parameters, catalog, people, sketch)
    # one in seven ad visits lost tags on the way: redirects, privacy filters
    tag = pick(rng, USUAL_TAG_WEIGHTS, count)
    for source, platform in enumerate(AD_PLATFORMS, FIRST_AD_SOURCE):
        if platform.tag_weights != USUAL_TAG_WEIGHTS:
            own = pick(rng, platform.tag_weights, count)
            tag = np.where(sketch.source == source, own, tag).astype(np.int64)
    is_lost = rng.random(count) < parameters.session_loss_share
    is_refused = sketch.start_us >= people.opted_out_us[sketch.person]
    is_tracked = ~(is_lost | is_refused | people.is_blocking[sketch.person])
    # nearly everyone logs in to order, one in three otherwise
    logs_in = rng.random(count) < np.where(sketch.order >= 0, 0.9, 0.35)
    is_customer = sketch.person < people.customers
    # nobody logs in before the account exists
    known_us = people.created_us[np.minimum(sketch.person, people.customers - 1)]
    # the index settles ties, so that the same seed gives the same file
    order = np.lexsort((np.arange(count), sketch.start_us, device))
    device, start_us = device[order], sketch.start_us[order]
    return Sessions(
        person=sketch.person[order],
        device=device,
        start_us=start_us,
        end_us=sketch.end_us[order],
        source=sketch.source[order],
        order=sketch.order[order],
        journey_order=sketch.journey_order[order],
        depth=sketch.depth[order],
        ad=ad[order],
        ad_day=ad_day[order],
        mail=mail[order],
        tag=tag[order],
        is_tracked=is_tracked[order],
        is_logged_in=(logs_in & is_customer & (sketch.end_us >= known_us))[order],
        session_id=unique_session_ids(device, start_us),
        session_number=tracked_numbers(device, is_tracked[order]),
    )
