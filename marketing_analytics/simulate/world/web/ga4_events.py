"""Events of the tracked sessions and of bots, as flat columns ordered by time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import urlencode

import numpy as np

from marketing_analytics.simulate.world.ads.platforms import AD_PLATFORMS
from marketing_analytics.simulate.world.chance import (
    BoolArray,
    IntArray,
    TextArray,
    pick,
    rank_within,
    spread,
    stream,
    texts,
)
from marketing_analytics.simulate.world.parameters import DAY_US, SECOND_US
from marketing_analytics.simulate.world.web.visits import (
    AFFILIATE_SOURCE,
    EMAIL_SOURCE,
    FIRST_AD_SOURCE,
    TAG_CLICK_ID,
    TAG_LOST,
)
from marketing_analytics.simulate.world.world import World

SITE = "https://www.shop.example"
EVENTS = (
    "session_start",
    "first_visit",
    "page_view",
    "scroll",
    "view_item",
    "add_to_cart",
    "begin_checkout",
    "purchase",
    "user_engagement",
)
START, FIRST_VISIT, VIEW, SCROLL, ITEM, CART, CHECKOUT, PURCHASE, ENGAGED = range(9)
PATHS = ("/", "/collections/all", "/products/lamp", "/cart", "/checkout", "/checkout/thank-you")
THANKS_PAGE = PATHS.index("/checkout/thank-you")
# (event, page) in order, by how far the session went
SCRIPTS: tuple[tuple[tuple[int, int], ...], ...] = (
    ((START, 0), (VIEW, 0)),
    ((START, 0), (VIEW, 0), (SCROLL, 0), (VIEW, 1), (ENGAGED, 1)),
    ((START, 0), (VIEW, 0), (VIEW, 2), (ITEM, 2), (SCROLL, 2), (ENGAGED, 2)),
    ((START, 0), (VIEW, 0), (VIEW, 2), (ITEM, 2), (CART, 2), (ENGAGED, 3)),
    ((START, 0), (VIEW, 0), (VIEW, 2), (ITEM, 2), (CART, 2), (VIEW, 3), (CHECKOUT, 4)),
    (
        (START, 0),
        (VIEW, 0),
        (VIEW, 2),
        (ITEM, 2),
        (CART, 2),
        (CHECKOUT, 4),
        (ENGAGED, 4),
        (VIEW, 5),
        (PURCHASE, 5),
    ),
)
BOT_SESSIONS = 3
BROWSERS = ("Chrome", "Safari", "Firefox", "Edge")


@dataclass(frozen=True)
class Landing:
    """What the first hits of each session carry; empty text stands for null."""

    url: TextArray
    referrer: TextArray
    source: TextArray
    medium: TextArray
    campaign: TextArray
    campaign_id: TextArray
    content: TextArray
    gclid: TextArray


@dataclass(frozen=True)
class Events:
    """One row per event, sorted by time; `session` is -1 for bots.

    `is_landing` marks the hits that carry where the visit came from.
    """

    session: IntArray
    bot: IntArray
    name: IntArray
    page: IntArray
    at_us: IntArray
    is_landing: BoolArray
    session_id: IntArray
    session_number: IntArray
    engagement_ms: IntArray

    @property
    def day(self) -> IntArray:
        """Return the date in the property's zone (UTC) as days since 1970."""
        return np.asarray(self.at_us // DAY_US, dtype=np.int64)


def click_id(kind: str, session: int, seed: int) -> str:
    """Return a click id that looks like the platform's and is unique per session."""
    # Knuth's multiplier: neighbours get ids that look unrelated, none is used twice
    number = (session * 2_654_435_761 + seed * 40_503) % 2**40
    lead = {"gclid": "Cj0KCQ", "fbclid": "IwAR", "li_fat_id": "li-"}.get(kind, "")
    return f"{lead}{number:010x}{session:06x}"


def landing_of(world: World, session: int) -> tuple[str, str, dict[str, str], dict[str, str]]:
    """Return (source, medium, utm parameters, click ids) of one session."""
    sessions = world.sessions
    source, tag = int(sessions.source[session]), int(sessions.tag[session])
    seed = world.parameters.seed
    if source == 1:
        # one search in nine is not made with Google
        return ("bing" if session % 9 == 0 else "google", "organic", {}, {})
    if source == 2:
        return ("instagram", "social", {"utm_source": "instagram", "utm_medium": "social"}, {})
    if source == 3:
        return ("blog.partner.example", "referral", {}, {})
    if source == AFFILIATE_SOURCE:
        utm = {
            "utm_source": "coupons.example",
            "utm_medium": "affiliate",
            "utm_campaign": "partners",
        }
        return ("coupons.example", "affiliate", utm, {})
    if source == EMAIL_SOURCE and tag != TAG_LOST:
        return mail_landing(world, session)
    if source >= FIRST_AD_SOURCE and tag != TAG_LOST:
        ad = world.catalog.ads[sessions.ad[session]]
        moment_us = int(sessions.start_us[session])
        platform = AD_PLATFORMS[source - FIRST_AD_SOURCE]
        utm_source = platform.utm_sources[session % len(platform.utm_sources)]
        clicks = {platform.click_id: click_id(platform.click_id, session, seed)}
        # auto-tagging alone: the click id is all there is
        if tag == TAG_CLICK_ID:
            return ("", "", {}, clicks)
        utm = {
            "utm_source": utm_source,
            "utm_medium": platform.utm_medium,
            "utm_campaign": world.catalog.slug(ad.campaign_id, moment_us),
            "utm_id": ad.campaign_id,
        }
        return (utm_source, platform.utm_medium, utm, clicks)
    return ("", "", {}, {})


def mail_landing(world: World, session: int) -> tuple[str, str, dict[str, str], dict[str, str]]:
    """Return the tags of a visit from a mail."""
    mail = world.mail_plan.mails[world.sends.mail[world.sessions.mail[session]]]
    utm = {"utm_source": "mailchimp", "utm_medium": "email", "utm_campaign": mail.campaign_id}
    if mail.flow:
        utm["utm_content"] = "automation"
    return ("mailchimp", "email", utm, {})


def referrer_of(source: int, medium_source: str) -> str:
    """Return the page a visit came from, empty for typed addresses and mails."""
    if source >= FIRST_AD_SOURCE:
        return AD_PLATFORMS[source - FIRST_AD_SOURCE].referrer
    pages = {
        1: f"https://www.{medium_source}.com/",
        2: "https://l.instagram.com/",
        3: "https://blog.partner.example/best-gifts",
        AFFILIATE_SOURCE: "https://coupons.example/",
    }
    return pages.get(source, "")


@cache
def tags_text(utm: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Return UTM tags as they stand in an address; few are different."""
    return (urlencode(utm),) if utm else ()


def build_landings(world: World) -> Landing:
    """Return the landing of every session."""
    rows = []
    entry = ("/", "/", "/products/lamp", "/collections/all")
    sources = world.sessions.source.tolist()
    for session, kind in enumerate(sources):
        source, medium, utm, clicks = landing_of(world, session)
        query = "&".join([*tags_text(tuple(utm.items())), *(f"{k}={v}" for k, v in clicks.items())])
        # half of all visits land on the start page
        url = f"{SITE}{entry[session % 4]}{'?' + query if query else ''}"
        rows.append(
            (
                url,
                referrer_of(kind, source),
                source,
                medium,
                utm.get("utm_campaign", ""),
                utm.get("utm_id", ""),
                utm.get("utm_content", ""),
                clicks.get("gclid", ""),
            )
        )
    columns = list(zip(*rows, strict=True)) or [()] * 8
    return Landing(*(texts(column) for column in columns))


def human_events(world: World) -> Events:
    """Return the events of tracked sessions, unsorted."""
    sessions = world.sessions
    lengths = np.array([len(script) for script in SCRIPTS])
    index = np.flatnonzero(sessions.is_tracked)
    counts = lengths[sessions.depth[index]]
    session = np.repeat(index, counts)
    step = rank_within(session)
    depth = sessions.depth[session]
    width = int(lengths.max())
    # scripts padded to one width: step and depth then index a table
    names = np.array([[s[min(i, len(s) - 1)][0] for i in range(width)] for s in SCRIPTS])
    pages = np.array([[s[min(i, len(s) - 1)][1] for i in range(width)] for s in SCRIPTS])
    name = names[depth, step]
    duration = sessions.end_us[session] - sessions.start_us[session]
    # the session start and the first page view share the first moment
    # thousandths of the visit, as integers: floats would not be the same everywhere
    share = np.maximum(step - 1, 0) * 1_000 // np.maximum(lengths[depth] - 2, 1)
    at_us = sessions.start_us[session] + duration // 1_000 * share
    is_purchase = name == PURCHASE
    # the purchase has the very moment of the order
    at_us = np.where(is_purchase, sessions.end_us[session], at_us)
    # the first hits carry no time spent; a bounce has one page view only
    has_time = (step >= 2) | (sessions.depth[session] == 0) & (step == 1)
    # a quarter of the visit, at most a minute per hit
    engagement = np.where(has_time, np.minimum(duration // 4_000, 60_000), 0)
    return Events(
        session=session,
        bot=np.full(len(session), -1, dtype=np.int64),
        name=name.astype(np.int64),
        page=pages[depth, step].astype(np.int64),
        at_us=at_us.astype(np.int64),
        # session start and first page view: both carry where the visit came from
        is_landing=step <= 1,
        session_id=sessions.session_id[session],
        session_number=sessions.session_number[session],
        engagement_ms=np.where(depth == 0, 0, engagement).astype(np.int64),
    )


def first_visits(events: Events) -> Events:
    """Return a first_visit beside the session_start of every device's first session."""
    index = np.flatnonzero((events.name == START) & (events.session_number == 1))
    columns = {name: getattr(events, name)[index] for name in Events.__dataclass_fields__}
    columns["name"] = np.full(len(index), FIRST_VISIT, dtype=np.int64)
    return Events(**columns)


def bot_events(world: World) -> Events:
    """Return page views of a few machines: hundreds per visit, a second apart, no engagement."""
    parameters = world.parameters
    rng = stream(parameters.seed, "bots")
    # even the smallest world has machines to leave out
    bots = 2 + parameters.customers // 1_500
    visits = np.arange(bots * BOT_SESSIONS, dtype=np.int64)
    day = np.sort(rng.integers(0, parameters.days, (bots, BOT_SESSIONS)), axis=1).ravel()
    # six hours apart, so that visits of a bot never overlap
    hour_us = (np.tile(np.arange(BOT_SESSIONS), bots) * 6 + 2) * 3_600 * SECOND_US
    start_us = parameters.start_us + day * DAY_US + hour_us
    views = rng.integers(120, 260, len(visits))
    visit = spread(views.astype(np.int64))
    step = rank_within(visit)
    return Events(
        session=np.full(len(visit), -1, dtype=np.int64),
        bot=visit // BOT_SESSIONS,
        name=np.where(step == 0, START, VIEW).astype(np.int64),
        page=pick(rng, (1, 1, 6), len(visit)),
        # faster than any reader: a page every 0.9 seconds
        at_us=start_us[visit] + step * 900_000,
        is_landing=np.zeros(len(visit), dtype=bool),
        session_id=start_us[visit] // SECOND_US,
        session_number=visit % BOT_SESSIONS + 1,
        engagement_ms=np.zeros(len(visit), dtype=np.int64),
    )


def build_events(world: World) -> Events:
    """Return all events sorted by day and time."""
    human = human_events(world)
    parts = (human, first_visits(human), bot_events(world))
    fields = Events.__dataclass_fields__
    joined = Events(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in fields})
    # the export is ordered by time; the rest settles ties
    order = np.lexsort((joined.name, joined.session, joined.bot, joined.at_us))
    return replace(joined, **{n: getattr(joined, n)[order] for n in fields})


def device_browsers(count: int) -> TextArray:
    """Return a browser per device, the same for the same device."""
    # a pattern, not a draw: the browser of a device must never change
    return texts(BROWSERS)[np.arange(count) * 7 // 3 % len(BROWSERS)]
