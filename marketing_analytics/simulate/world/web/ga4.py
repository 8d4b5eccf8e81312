"""GA4 as its BigQuery export: one Parquet file per day with nested event parameters.

Shape: developers.google.com/analytics/bigquery/event-schema. The property's zone is UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from marketing_analytics.simulate.world.chance import BoolArray, IntArray, TextArray
from marketing_analytics.simulate.world.customers.people import DEVICE_KINDS
from marketing_analytics.simulate.world.demand.regions import REGIONS
from marketing_analytics.simulate.world.names import device_names, ids
from marketing_analytics.simulate.world.web.ga4_events import (
    EVENTS,
    PATHS,
    PURCHASE,
    SITE,
    THANKS_PAGE,
    VIEW,
    Events,
    Landing,
    build_events,
    build_landings,
    device_browsers,
)
from marketing_analytics.simulate.world.world import World

PARAMETER_KEYS = (
    "ga_session_id",
    "ga_session_number",
    "page_location",
    "page_title",
    "page_referrer",
    "source",
    "medium",
    "campaign",
    "session_engaged",
    "engagement_time_msec",
    "transaction_id",
    "value",
    "currency",
)
TITLES = ("Shop", "All products", "Lamp", "Your cart", "Checkout", "Thank you")
OPERATING_SYSTEMS = ("Android", "Windows", "iOS")
STREAM_ID = "4242424242"
BOT_REGION = "Virginia"
# by the number of the order: one in five is paid with PayPal, one on a page of the own checkout
PAYMENT_KINDS, PAYPAL, OWN_DOMAIN = 5, 0, 1
PAYPAL_PAGE, OWN_CHECKOUT = "https://www.paypal.com/checkout", "https://checkout.shop.example/"


@dataclass(frozen=True)
class Ga4Counts:
    """What was written."""

    events: int
    sessions: int
    purchases: int
    bot_events: int
    bot_sessions: int
    user_properties: int


class EventTexts:
    """Per-event text columns, taken from pools of the few different texts there are."""

    def __init__(self, world: World, events: Events, landing: Landing) -> None:
        self.world, self.events, self.landing = world, events, landing
        self.is_human = events.session >= 0
        # bots have no session: any will do, is_human masks it
        self.session = np.maximum(events.session, 0)
        self.lands = events.is_landing & self.is_human

    def of_landing(self, values: TextArray, *, is_everywhere: bool = False) -> pa.Array:
        """Return a landing text on the hits that carry it, null elsewhere and when empty."""
        shown = self.is_human if is_everywhere else self.lands
        # gathered from few different texts: a Python loop over events would be slow
        taken = pa.array(values, pa.string()).take(pa.array(self.session))
        mask = pa.array(shown & (np.asarray(values != "")[self.session]))
        return pc.if_else(mask, taken, pa.scalar(None, pa.string()))

    def returned(self, column: pa.Array, text: str, kind: int) -> pa.Array:
        """Return a column with a text where a customer comes back from paying."""
        order = self.world.sessions.order[self.session]
        is_thanks = (self.events.name == VIEW) & (self.events.page == THANKS_PAGE)
        came_back = self.is_human & is_thanks & (order % PAYMENT_KINDS == kind)
        return pc.if_else(pa.array(came_back), pa.scalar(text), column)

    def page_referrer(self) -> pa.Array:
        """Return the page before: outside of the shop, or where the payment was made."""
        landed = self.of_landing(self.landing.referrer)
        return self.returned(self.returned(landed, PAYPAL_PAGE, PAYPAL), OWN_CHECKOUT, OWN_DOMAIN)

    def page_location(self) -> pa.Array:
        """Return the full address of each page."""
        pages = pa.array([SITE + path for path in PATHS]).take(pa.array(self.events.page))
        landing = pa.array(self.landing.url, pa.string()).take(pa.array(self.session))
        return pc.if_else(pa.array(self.lands), landing, pages)

    def order_texts(self) -> tuple[pa.Array, pa.Array, NDArray[np.float64], BoolArray]:
        """Return (transaction id, currency, value, is purchase) per event."""
        orders = self.world.orders
        is_purchase = self.events.name == PURCHASE
        order = np.where(is_purchase, self.world.sessions.order[self.session], 0)
        mask = pa.array(is_purchase)
        null = pa.scalar(None, pa.string())
        names = pa.array(ids("order", len(orders.person)), pa.string()).take(pa.array(order))
        money = pa.array(np.where(orders.is_eur[order], "EUR", "USD").tolist(), pa.string())
        # GA4 stores money as double; cents survive as long as they are rounded when read
        value = orders.total_cents[order] / 100.0
        return pc.if_else(mask, names, null), pc.if_else(mask, money, null), value, is_purchase

    def is_logged_in(self) -> BoolArray:
        """Return whether the person was logged in at each event."""
        logged_in: BoolArray = self.is_human & self.world.sessions.is_logged_in[self.session]
        return logged_in

    def user_ids(self) -> pa.Array:
        """Return the customer id on events of people who are logged in."""
        sessions = self.world.sessions
        shown = pa.array(self.is_logged_in())
        customers = self.world.people.customers
        names = pa.array(ids("customer", customers), pa.string())
        # visitors come after customers and never log in: their index is only kept in range
        person = np.minimum(sessions.person[self.session], customers - 1)
        return pc.if_else(shown, names.take(pa.array(person)), pa.scalar(None, pa.string()))

    def device_column(self, human: TextArray, bots: list[str]) -> pa.Array:
        """Return a text per device for people and per bot for machines."""
        pool = pa.array([*human.tolist(), *bots], pa.string())
        device = self.world.sessions.device[self.session]
        return pool.take(pa.array(np.where(self.is_human, device, len(human) + self.events.bot)))


def parameter_lists(texts: EventTexts, columns: dict[str, pa.Array]) -> pa.Array:
    """Return event_params: a list of {key, value{string,int,float,double}} per event.

    Text parameters are string arrays, whole numbers int64, money double; null = absent.
    """
    count = len(texts.events.name)
    masks = np.stack(
        [columns[key].is_valid().to_numpy(zero_copy_only=False) for key in PARAMETER_KEYS], axis=1
    )
    # row by row, so entries of an event stay together and offsets are running counts
    event, key = np.nonzero(masks)
    offsets = np.concatenate([[0], np.cumsum(masks.sum(axis=1))]).astype(np.int32)
    # columns lie one after the other: key and event give the place of an entry
    position = pa.array(key * count + event)

    def pool(kind: pa.DataType) -> pa.Array:
        """Return the entries of one type, null where the parameter has another."""
        parts = [
            columns[k] if columns[k].type == kind else pa.nulls(count, kind) for k in PARAMETER_KEYS
        ]
        return pa.concat_arrays(parts).take(position)

    value = pa.StructArray.from_arrays(
        [
            pool(pa.string()),
            pool(pa.int64()),
            pa.nulls(len(event), pa.float64()),
            pool(pa.float64()),
        ],
        names=["string_value", "int_value", "float_value", "double_value"],
    )
    keys = pa.array(PARAMETER_KEYS).take(pa.array(key))
    entries = pa.StructArray.from_arrays([keys, value], names=["key", "value"])
    return pa.ListArray.from_arrays(pa.array(offsets), entries)


def parameter_columns(texts: EventTexts) -> dict[str, pa.Array]:
    """Return the value of every parameter per event, null where it is absent."""
    events, landing = texts.events, texts.landing
    transaction, currency, value, is_purchase = texts.order_texts()
    depth = texts.world.sessions.depth[texts.session]
    # a bounce is not engaged; "0" and "1" are texts in the export
    engaged = np.where(texts.is_human & (depth > 0), "1", "0")
    return {
        "ga_session_id": pa.array(events.session_id),
        "ga_session_number": pa.array(events.session_number),
        "page_location": texts.page_location(),
        "page_title": pa.array(TITLES).take(pa.array(events.page)),
        "page_referrer": texts.page_referrer(),
        "source": texts.returned(texts.of_landing(landing.source), "paypal.com", PAYPAL),
        "medium": texts.returned(texts.of_landing(landing.medium), "referral", PAYPAL),
        "campaign": texts.of_landing(landing.campaign),
        "session_engaged": pa.array(engaged.tolist(), pa.string()),
        "engagement_time_msec": pa.array(events.engagement_ms, mask=events.engagement_ms == 0),
        "transaction_id": transaction,
        "value": pa.array(value, mask=~is_purchase),
        "currency": currency,
    }


def struct(**fields: Any) -> pa.Array:
    """Return a struct column."""
    return pa.StructArray.from_arrays(list(fields.values()), names=list(fields))


def traffic_columns(texts: EventTexts) -> dict[str, pa.Array]:
    """Return collected_traffic_source (per hit) and traffic_source (first touch, left empty)."""
    landing, count = texts.landing, len(texts.events.name)
    nothing = pa.nulls(count, pa.string())
    return {
        "traffic_source": struct(name=nothing, medium=nothing, source=nothing),
        "collected_traffic_source": struct(
            manual_campaign_id=texts.of_landing(landing.campaign_id),
            manual_campaign_name=texts.of_landing(landing.campaign),
            manual_source=texts.returned(texts.of_landing(landing.source), "paypal.com", PAYPAL),
            manual_medium=texts.returned(texts.of_landing(landing.medium), "referral", PAYPAL),
            manual_term=nothing,
            manual_content=texts.of_landing(landing.content),
            manual_source_platform=nothing,
            manual_creative_format=nothing,
            manual_marketing_tactic=nothing,
            gclid=texts.of_landing(landing.gclid),
            dclid=nothing,
            srsltid=nothing,
        ),
    }


def device_columns(texts: EventTexts) -> dict[str, pa.Array]:
    """Return device, geo and the client id."""
    world = texts.world
    kinds = np.array(DEVICE_KINDS, dtype=object)[world.people.device_kind]
    systems = np.array(OPERATING_SYSTEMS, dtype=object)[world.people.device_kind]
    countries = world.people.country[world.people.device_person]
    names = np.array([region.name for region in REGIONS], dtype=object)
    regions = names[world.people.region[world.people.device_person]]
    bots = int(texts.events.bot.max()) + 1
    browser = texts.device_column(device_browsers(len(kinds)), ["HeadlessChrome"] * bots)
    nothing = pa.nulls(len(texts.events.name), pa.string())
    clients = device_names(world.parameters.seed, len(kinds))
    bot_clients = [f"99900{i:05d}.1699999999" for i in range(bots)]
    return {
        "user_pseudo_id": texts.device_column(clients, bot_clients),
        "device": struct(
            category=texts.device_column(kinds, ["desktop"] * bots),
            mobile_brand_name=nothing,
            operating_system=texts.device_column(systems, ["Linux"] * bots),
            language=nothing,
            web_info=struct(browser=browser, browser_version=nothing, hostname=nothing),
        ),
        "geo": struct(
            continent=nothing,
            country=texts.device_column(countries, ["United States"] * bots),
            region=texts.device_column(regions, [BOT_REGION] * bots),
            city=nothing,
        ),
    }


def commerce_columns(texts: EventTexts) -> dict[str, pa.Array]:
    """Return ecommerce and items of purchases."""
    transaction, _, value, is_purchase = texts.order_texts()
    orders = texts.world.orders
    order = np.where(is_purchase, texts.world.sessions.order[texts.session], 0)
    # GA4 converts with the rate of the day, as the shop does
    usd = texts.world.exchange.usd_cents(orders.total_cents, orders.is_eur, orders.day)
    in_usd = pa.array(usd[order] / 100.0, mask=~is_purchase)
    offsets = np.concatenate([[0], np.cumsum(is_purchase)]).astype(np.int32)
    rows = int(is_purchase.sum())
    items = struct(
        item_id=pa.array(["LAMP-1"] * rows, pa.string()),
        item_name=pa.array(["Lamp"] * rows, pa.string()),
        price=pa.array(value[is_purchase]),
        quantity=pa.array(np.ones(rows, dtype=np.int64)),
    )
    return {
        "event_value_in_usd": in_usd,
        "ecommerce": struct(
            total_item_quantity=pa.array(is_purchase.astype(np.int64), mask=~is_purchase),
            purchase_revenue_in_usd=in_usd,
            purchase_revenue=pa.array(value, mask=~is_purchase),
            transaction_id=transaction,
        ),
        "items": pa.ListArray.from_arrays(pa.array(offsets), items),
    }


def consent_column(texts: EventTexts) -> pa.Array:
    """Return privacy_info: who opted out of mails denies ads; all that is seen is consented to."""
    world, count = texts.world, len(texts.events.name)
    person = world.sessions.person[texts.session]
    has_left = texts.is_human & (world.people.opted_out_us[person] <= texts.events.at_us)
    return struct(
        analytics_storage=pa.array(["Yes"] * count),
        ads_storage=pa.array(["Yes", "No"]).take(pa.array(has_left.astype(np.int64))),
        uses_transient_token=pa.array(["No"] * count),
    )


def property_lists(texts: EventTexts) -> pa.Array:
    """Return user_properties: the home country of people who logged in, set as the visit began."""
    shown = texts.is_logged_in()
    offsets = np.concatenate([[0], np.cumsum(shown)]).astype(np.int32)
    sessions, rows = texts.session[shown], int(shown.sum())
    people = texts.world.people
    countries = pa.array(people.country, pa.string())
    value = struct(
        string_value=countries.take(pa.array(texts.world.sessions.person[sessions])),
        int_value=pa.nulls(rows, pa.int64()),
        float_value=pa.nulls(rows, pa.float64()),
        double_value=pa.nulls(rows, pa.float64()),
        set_timestamp_micros=pa.array(texts.world.sessions.start_us[sessions]),
    )
    entries = struct(key=pa.array(["home_country"] * rows, pa.string()), value=value)
    return pa.ListArray.from_arrays(pa.array(offsets), entries)


def property_count(world: World, events: Events) -> int:
    """Return the distinct (day, visit) pairs of people who are logged in."""
    shown = (events.session >= 0) & world.sessions.is_logged_in[np.maximum(events.session, 0)]
    pairs: IntArray = events.day[shown] * (1 << 36) + events.session[shown]
    return len(np.unique(pairs))


def event_table(world: World, events: Events) -> pa.Table:
    """Return all events in the export's schema."""
    texts = EventTexts(world, events, build_landings(world))
    count = len(events.name)
    few, day = np.unique(events.day, return_inverse=True)
    dates = pa.array([str(d).replace("-", "") for d in few.astype("datetime64[D]")], pa.string())
    nothing = pa.nulls(count, pa.int64())
    return pa.table(
        {
            "event_date": dates.take(pa.array(day)),
            "event_timestamp": pa.array(events.at_us),
            "event_name": pa.array(EVENTS).take(pa.array(events.name)),
            "event_params": parameter_lists(texts, parameter_columns(texts)),
            "event_previous_timestamp": nothing,
            "event_bundle_sequence_id": pa.array(np.arange(count, dtype=np.int64)),
            "privacy_info": consent_column(texts),
            "user_properties": property_lists(texts),
            "user_id": texts.user_ids(),
            "user_first_touch_timestamp": nothing,
            "stream_id": pa.array([STREAM_ID] * count),
            "platform": pa.array(["WEB"] * count),
            **device_columns(texts),
            **traffic_columns(texts),
            **commerce_columns(texts),
        }
    )


def session_count(events: Events, world: World, *, is_bot: bool) -> int:
    """Return the distinct (client, session id) pairs."""
    rows = (events.bot >= 0) if is_bot else (events.session >= 0)
    # session ids are seconds: unique per client only
    who = events.bot if is_bot else world.sessions.device[np.maximum(events.session, 0)]
    # 36 bits hold seconds for two thousand years
    pairs: IntArray = who[rows] * (1 << 36) + events.session_id[rows]
    return len(np.unique(pairs))


def write_ga4(world: World, folder: Path) -> Ga4Counts:
    """Write events_YYYYMMDD.parquet for every day, also days without events."""
    folder.mkdir(parents=True, exist_ok=True)
    events = build_events(world)
    table = event_table(world, events)
    day = events.day
    parameters = world.parameters
    for current in range(parameters.start_day, parameters.end_day + 1):
        # events are sorted by day: a day is one slice
        low, high = np.searchsorted(day, [current, current + 1])
        name = str(np.datetime64(int(current), "D")).replace("-", "")
        path = folder / f"events_{name}.parquet"
        pq.write_table(table.slice(low, high - low), path, compression="snappy")
    return Ga4Counts(
        events=len(events.name),
        sessions=session_count(events, world, is_bot=False)
        + session_count(events, world, is_bot=True),
        purchases=int((events.name == PURCHASE).sum()),
        bot_events=int((events.bot >= 0).sum()),
        bot_sessions=session_count(events, world, is_bot=True),
        user_properties=property_count(world, events),
    )
