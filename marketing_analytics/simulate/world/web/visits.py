"""Sessions: the journeys that lead to orders, and those that lead nowhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from marketing_analytics.simulate.world.ads.platforms import AD_PLATFORMS, PLATFORMS
from marketing_analytics.simulate.world.chance import (
    BoolArray,
    IntArray,
    daytime_fraction,
    pick,
    rank_within,
    spread,
    stream,
)
from marketing_analytics.simulate.world.customers.buyers import Buyers
from marketing_analytics.simulate.world.customers.people import People
from marketing_analytics.simulate.world.customers.purchases import Orders
from marketing_analytics.simulate.world.customers.ties import (
    Ties,
    interest,
    usual_ways,
)
from marketing_analytics.simulate.world.demand.journeys import Visits
from marketing_analytics.simulate.world.demand.meetings import (
    CUSTOMER_FREE,
    Meetings,
    Met,
    pick_ads,
)
from marketing_analytics.simulate.world.demand.plan import SpendPlan
from marketing_analytics.simulate.world.parameters import (
    DAY_US,
    HOUR_US,
    SECOND_US,
    WorldParameters,
)

# the sources of visits that no ad brought, then the ad platforms
FREE_SOURCES = ("direct", "organic_search", "organic_social", "referral", "email", "affiliate")
SOURCES = (*FREE_SOURCES, *PLATFORMS)
EMAIL_SOURCE, AFFILIATE_SOURCE = FREE_SOURCES.index("email"), FREE_SOURCES.index("affiliate")
FIRST_AD_SOURCE = len(FREE_SOURCES)
CHANNELS = (*FREE_SOURCES, *(platform.channel for platform in AD_PLATFORMS))
# how far a visit without an order goes: bounce, browse, product, cart, checkout
DEPTH_MIX = (700, 205, 75, 15, 5)
CUSTOMER_DEPTH_MIX = (28, 28, 28, 11, 5)
# positions in DEPTH_MIX, and one beyond it: only orders go that far
CART_DEPTH, PURCHASE_DEPTH = 3, 5
# 0 is a visit with all of its tags
TAG_CLICK_ID, TAG_LOST = 1, 2
USUAL_TAG_WEIGHTS = (86, 7, 7)
NO_INDEX = -1
CLICKS_OF_WOKEN = 0.85
# people who share devices with another, and how often they take the other's
SHARING_SHARE, BORROWED_SHARE = 0.06, 0.35
BROWSING_PER_PERSON = 0.9


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
    """A session before its device, ad and tracking are decided; days count from 1970."""

    person: IntArray
    start_us: IntArray
    end_us: IntArray
    source: IntArray
    order: IntArray
    journey_order: IntArray
    depth: IntArray
    campaign: IntArray
    ad_day: IntArray


def join_sketches(sketches: list[Sketch]) -> Sketch:
    """Return all sketches in one."""
    fields = Sketch.__dataclass_fields__
    return Sketch(**{name: np.concatenate([getattr(s, name) for s in sketches]) for name in fields})


def rows_of(sketch: Sketch, keep: BoolArray) -> Sketch:
    """Return the sketches that are kept."""
    fields = Sketch.__dataclass_fields__
    return Sketch(**{name: getattr(sketch, name)[keep] for name in fields})


class Sketcher:
    """Draws sessions before their device, ad and tracking are decided."""

    def __init__(
        self,
        parameters: WorldParameters,
        plan: SpendPlan,
        meetings: Meetings,
        people: People,
        orders: Orders,
        ties: Ties,
    ) -> None:
        self.parameters, self.plan, self.meetings = parameters, plan, meetings
        self.people, self.orders, self.ties = people, orders, ties
        self.ways = usual_ways(parameters, people)
        self.rng = stream(parameters.seed, "sessions")
        # what habits add has numbers of its own: the others stay what they are without them
        self.habits = stream(parameters.seed, "habits")
        platforms = [PLATFORMS.index(c.platform) for c in plan.catalog.campaigns]
        # one beyond the last campaign stands for the affiliates
        self.source_of = np.array([*(FIRST_AD_SOURCE + p for p in platforms), AFFILIATE_SOURCE])

    def sketch(
        self,
        person: IntArray,
        start_us: IntArray,
        met: Met,
        order: IntArray,
        journey_order: IntArray,
        depths: tuple[int, ...],
    ) -> Sketch:
        """Return sessions that came through what they met; an order ends its session."""
        count = len(person)
        is_ordering = order >= 0
        end_us = start_us + self.rng.integers(15, 800, count) * SECOND_US
        if len(self.orders.ordered_us):
            ordered_us = self.orders.ordered_us[np.maximum(order, 0)]
            end_us = np.where(is_ordering, ordered_us, end_us)
        is_ad = (met.campaign >= 0) & (met.campaign < len(self.plan.catalog.campaigns))
        source = np.where(met.campaign >= 0, self.source_of[met.campaign], met.free)
        return Sketch(
            person=person,
            start_us=start_us,
            # the last minutes of a visit may not run past the end of the world
            end_us=np.clip(end_us, start_us, self.parameters.end_us - 1).astype(np.int64),
            source=source.astype(np.int64),
            order=order,
            journey_order=journey_order,
            depth=np.where(is_ordering, PURCHASE_DEPTH, pick(self.rng, depths, count)),
            campaign=np.where(is_ad, met.campaign, NO_INDEX),
            ad_day=np.where(is_ad, met.ad_day + self.plan.start_day, NO_INDEX),
        )

    def shoppers(self, visits: Visits, buyers: Buyers) -> Sketch:
        """Return the sessions of everyone's way to the first decision."""
        person = buyers.person[visits.shopper]
        first = np.flatnonzero(self.orders.is_first)
        order_of = np.full(self.people.count, NO_INDEX, dtype=np.int64)
        order_of[self.orders.person[first]] = first
        journey_order = order_of[person]
        order = np.where(visits.is_decision, journey_order, NO_INDEX)
        return self.sketch(person, visits.start_us, visits.met, order, journey_order, DEPTH_MIX)

    def meet(self, person: IntArray, start_us: IntArray) -> Met:
        """Return what people whom the shop knows come through: mostly what they like best."""
        region, ways = self.people.region[person], self.ways
        met = self.meetings.meet(
            self.rng, region, start_us, ways.eagerness[person], CUSTOMER_FREE, is_late=True
        )
        by_habit = self.habits.random(len(person)) < self.parameters.habits.habit_share
        free = np.where(by_habit & (met.free >= 0), ways.usual[person], met.free)
        rows = np.flatnonzero(by_habit & (met.campaign >= 0))
        campaign = met.campaign.copy()
        campaign[rows] = self.meetings.meet_kind(
            self.habits, region[rows], start_us[rows], campaign[rows], ways.followed[person[rows]]
        )
        return replace(met, campaign=campaign, free=free)

    def repeats(self) -> Sketch:
        """Return the sessions in which customers order again."""
        orders = self.orders
        index = np.flatnonzero(~orders.is_first)
        # 3 to 25 minutes from landing to order
        lead_us = self.rng.integers(180, 1_500, len(index)) * SECOND_US
        start_us = np.maximum(orders.ordered_us[index] - lead_us, self.parameters.start_us)
        met = self.meet(orders.person[index], start_us)
        # who was woken by a mail mostly clicks in it
        is_woken = orders.mail[index] >= 0
        woken = np.where(self.rng.random(len(index)) < CLICKS_OF_WOKEN, EMAIL_SOURCE, 0)
        met = Met(
            campaign=np.where(is_woken, NO_INDEX, met.campaign),
            ad_day=met.ad_day,
            free=np.where(is_woken, woken, met.free),
        )
        return self.sketch(orders.person[index], start_us, met, index, index, CUSTOMER_DEPTH_MIX)

    def before_repeats(self) -> Sketch:
        """Return the earlier sessions of repeat orders, a week before on average."""
        orders, rng = self.orders, self.rng
        repeats = np.flatnonzero(~orders.is_first & (orders.mail < 0))
        order = repeats[spread(rng.poisson(0.7, len(repeats)).astype(np.int64))]
        # an hour before the order at least: closer visits would be the same session
        lag_seconds = (3_600 + rng.exponential(6.5 * 86_400, len(order))).astype(np.int64)
        start_us = orders.ordered_us[order] - lag_seconds * SECOND_US
        # what lies before the first day was never measured
        keep = start_us >= self.parameters.start_us
        order, start_us = order[keep], start_us[keep]
        person = orders.person[order]
        nothing = np.full(len(order), NO_INDEX, dtype=np.int64)
        met = self.meet(person, start_us)
        return self.sketch(person, start_us, met, nothing, order, CUSTOMER_DEPTH_MIX)

    def browsing(self) -> Sketch:
        """Return sessions of customers and leads who look around without buying."""
        people, rng = self.people, self.rng
        known_us = people.subscribed_us.copy()
        known_us[: people.customers] = people.created_us
        known = np.flatnonzero(known_us < self.parameters.end_us - DAY_US)
        person = known[spread(rng.poisson(BROWSING_PER_PERSON, len(known)).astype(np.int64))]
        from_us = known_us[person]
        # anywhere between the first possible moment and the end
        days = (self.parameters.end_us - from_us) / DAY_US * rng.random(len(person))
        whole = np.floor(days)
        # whole days first, then a time of day that follows waking hours
        moment = from_us // DAY_US * DAY_US + whole.astype(np.int64) * DAY_US
        within = (daytime_fraction(days - whole) * 86_399).astype(np.int64) * SECOND_US
        # the bent time of day may fall before the account existed
        start_us = np.maximum(moment + within, from_us)
        nothing = np.full(len(person), NO_INDEX, dtype=np.int64)
        met = self.meet(person, start_us)
        sketch = self.sketch(person, start_us, met, nothing, nothing, CUSTOMER_DEPTH_MIX)
        # whose interest fades stays away more and more
        left = interest(self.parameters, self.ties, person, start_us)
        return rows_of(sketch, self.habits.random(len(person)) < left)

    def habitual(self) -> Sketch:
        """Return the visits of customers between their purchases; who buys more comes more."""
        parameters, ties, rng = self.parameters, self.ties, self.habits
        first = np.flatnonzero(self.orders.is_first)
        first_us = np.full(self.people.count, parameters.end_us, dtype=np.int64)
        first_us[self.orders.person[first]] = self.orders.ordered_us[first]
        # from an hour after the first order on: closer visits would be the same session
        from_us = np.minimum(first_us[: self.people.customers] + HOUR_US, parameters.end_us)
        due = ties.rate_per_day * (parameters.end_us - from_us) / DAY_US
        counts = rng.poisson(due * parameters.habits.visits_per_purchase).astype(np.int64)
        person = spread(counts)
        days = (parameters.end_us - from_us[person]) / DAY_US * rng.random(len(person))
        start_us = from_us[person] + (days * (DAY_US // SECOND_US)).astype(np.int64) * SECOND_US
        keep = rng.random(len(person)) < interest(parameters, ties, person, start_us)
        person, start_us = person[keep], start_us[keep].astype(np.int64)
        nothing = np.full(len(person), NO_INDEX, dtype=np.int64)
        met = self.meet(person, start_us)
        return self.sketch(person, start_us, met, nothing, nothing, CUSTOMER_DEPTH_MIX)


def sketch_sessions(sketcher: Sketcher, visits: Visits, buyers: Buyers) -> Sketch:
    """Return every session of people (bots are added in the GA4 export)."""
    return join_sketches(
        [
            sketcher.shoppers(visits, buyers),
            sketcher.repeats(),
            sketcher.before_repeats(),
            sketcher.browsing(),
            sketcher.habitual(),
        ]
    )


def without_email(sketch: Sketch, is_refused: BoolArray) -> Sketch:
    """Turn e-mail sessions of people who got no mail into direct ones."""
    return replace(sketch, source=np.where(is_refused, 0, sketch.source).astype(np.int64))


def household_of(people: People, rng: np.random.Generator) -> IntArray:
    """Return whose devices each person uses at times: a neighbour's, mostly only the own."""
    household = np.arange(people.count, dtype=np.int64)
    sharing = np.flatnonzero(rng.random(people.count) < SHARING_SHARE)
    # two of a region, one after the other in a shuffled list, live together
    sharing = rng.permutation(sharing)
    sharing = sharing[np.argsort(people.region[sharing], kind="stable")]
    left, right = sharing[0:-1:2], sharing[1::2]
    together = people.region[left] == people.region[right]
    household[left[together]] = right[together]
    household[right[together]] = left[together]
    return household


def choose_devices(people: People, persons: IntArray, rng: np.random.Generator) -> IntArray:
    """Return a device per session; the first one of a person is used most, some are shared."""
    # the power pulls draws to zero, to the first device
    drawn = rng.random(len(persons)) ** 1.6
    is_borrowed = rng.random(len(persons)) < BORROWED_SHARE
    owner = np.where(is_borrowed, household_of(people, rng)[persons], persons)
    return np.asarray(
        people.device_start[owner] + (drawn * people.device_count[owner]).astype(np.int64),
        dtype=np.int64,
    )


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
    plan: SpendPlan,
    people: People,
    sketch: Sketch,
    mail: IntArray,
) -> Sessions:
    """Decide device, ad, tags and tracking of each session and sort by device and start."""
    rng = stream(parameters.seed, "tracking")
    count = len(sketch.person)
    device = choose_devices(people, sketch.person, rng)
    region, day = people.region[sketch.person], sketch.ad_day - plan.start_day
    ad = pick_ads(plan, stream(parameters.seed, "ads of sessions"), sketch.campaign, region, day)
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
        ad_day=sketch.ad_day[order],
        mail=mail[order],
        tag=tag[order],
        is_tracked=is_tracked[order],
        is_logged_in=(logs_in & is_customer & (sketch.end_us >= known_us))[order],
        session_id=unique_session_ids(device, start_us),
        session_number=tracked_numbers(device, is_tracked[order]),
    )
