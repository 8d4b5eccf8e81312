"""Every click of Google Ads, by device, network, keyword and search term, country and hour.

The clicks that became visits are those of the world, with their click ids; the others complete the
number that Google counts.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from marketing_analytics.simulate.emulation.delivery import EPOCH, Delivery
from marketing_analytics.simulate.emulation.world_files import IntArray, WorldFiles

DEVICES = ("MOBILE", "DESKTOP", "TABLET")
DEVICE_OF_KIND = {"mobile": 0, "desktop": 1, "tablet": 2}
# the two networks of a kind of campaign
NETWORKS = {
    "SEARCH": ("SEARCH", "SEARCH_PARTNERS"),
    "SHOPPING": ("SEARCH", "SEARCH_PARTNERS"),
    "DISPLAY": ("CONTENT", "YOUTUBE"),
    "PERFORMANCE_MAX": ("SEARCH", "CONTENT"),
}
KEYWORDS_PER_GROUP = 3
MATCH_TYPES = ("EXACT", "PHRASE", "BROAD")
# added to a keyword; the last one is searched by too few people to be shown
TERM_ENDINGS = ("", " online", " near me")
HIDDEN_TERM = 2
WORDS = {
    "Brand": ("lamp shop", "shop lamps", "the lamp shop"),
    "Generic": ("desk lamp", "floor lamp", "reading lamp"),
    "Feed": ("lamp", "table lamp", "lamp shade"),
    "Competitors": ("bright house lamps", "lumen store", "glow and co"),
}
# the parts of a cell's code, slowest first, and how delivery falls on them
SIZES = {"device": 3, "network": 2, "keyword": KEYWORDS_PER_GROUP, "term": len(TERM_ENDINGS)}
WEIGHTS = {
    "device": (55, 38, 7),
    "network": (85, 15),
    "keyword": (50, 30, 20),
    "term": (60, 30, 10),
}
CELLS = int(np.prod(list(SIZES.values())))
GEO_TARGETS = {
    "United States": 2840, "Canada": 2124, "Germany": 2276, "France": 2250, "Netherlands": 2528,
    "Austria": 2040, "Spain": 2724, "Italy": 2380, "Belgium": 2056, "Ireland": 2372,
}  # fmt: skip
# the countries of a market, and how what led to no visit falls on them
MARKETS = {
    "US": {"United States": 90, "Canada": 10},
    "EU": {"Germany": 46, "France": 18, "Netherlands": 18, "Spain": 9, "Italy": 9},
}
MARKET_COUNTRY = {"US": "United States", "EU": "Germany"}
COUNTRIES = tuple(GEO_TARGETS)
# how a day falls on its hours, in the time of the customer
HOUR_WEIGHTS = (2, 1, 1, 1, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 7, 6, 5, 4, 3)
# Knuth's multiplier: neighbours get numbers that look unrelated
MIXER = 2_654_435_761


def part_of(codes: Any, name: str) -> Any:
    """Return one part of a cell's code, or of many: device, network, keyword or term."""
    names = list(SIZES)
    below = int(np.prod([SIZES[n] for n in names[names.index(name) + 1 :]], dtype=np.int64))
    return codes // below % SIZES[name]


def words_of(campaign_name: str) -> tuple[str, ...]:
    """Return what people search for who see a campaign."""
    return next((words for name, words in WORDS.items() if name in campaign_name), WORDS["Feed"])


def criterion_id(text: str, match_type: str) -> int:
    """Return the id of a keyword: the same in every ad group that has it, as at Google."""
    return 300_000_000_000 + zlib.crc32(f"{match_type} {text}".encode())


@dataclass(frozen=True)
class Clicks:
    """One row per click, sorted by row of delivery."""

    row: IntArray
    code: IntArray
    gclid: NDArray[Any]
    country: IntArray
    hour: IntArray


def visits_of(
    world: WorldFiles, delivery: Delivery, zones: Mapping[str, ZoneInfo]
) -> tuple[list[str], IntArray]:
    """Return click ids, and row, device, country and hour, of what came through an ad."""
    kinds = {row["user_pseudo_id"]: row for row in world.rows("devices")}
    countries = world.table("people")["country"].to_pylist()
    ids, days = delivery.ids, delivery.day.tolist()
    places = {
        key: row for row, key in enumerate(zip(ids["campaign_id"], ids["ad_id"], days, strict=True))
    }
    columns = (
        "campaign_id", "ad_id", "ad_date", "user_pseudo_id", "click_id", "started_at",
    )  # fmt: skip
    table = world.table("sessions").select(list(columns))
    visits = table.filter(table["ad_date"].is_valid()).to_pylist()
    gclids, found = [], []
    for visit in visits:
        day = (visit["ad_date"] - EPOCH).days
        row = places.get((visit["campaign_id"], visit["ad_id"], day))
        if row is not None:
            device = kinds[visit["user_pseudo_id"]]
            country = COUNTRIES.index(countries[device["person"]])
            hour = visit["started_at"].astimezone(zones[ids["account_id"][row]]).hour
            gclids.append(visit["click_id"])
            found.append((row, DEVICE_OF_KIND[device["kind"]], country, hour))
    return gclids, np.array(found, dtype=np.int64).reshape(-1, 4).T


def build_clicks(world: WorldFiles, delivery: Delivery) -> Clicks:
    """Return all clicks: the visits of the world, and those that led to none."""
    accounts = {row["account_id"]: row for row in world.rows("accounts", "google_ads")}
    zones = {i: ZoneInfo(account["timezone_name"]) for i, account in accounts.items()}
    visit_gclid, visits = visits_of(world, delivery, zones)
    visit_row, visit_device, visit_country, visit_hour = visits
    lost = np.maximum(delivery.clicks - np.bincount(visit_row, minlength=delivery.size), 0)
    lost_row = np.repeat(np.arange(delivery.size), lost)
    number = np.arange(len(lost_row), dtype=np.int64)
    day = delivery.day[lost_row]
    # by the day and the number in it: the ids of a day do not depend on later days
    rank = number - np.concatenate([[0], np.cumsum(lost)[:-1]])[lost_row]
    ads = [
        zlib.crc32(f"{c} {a}".encode())
        for c, a in zip(delivery.ids["campaign_id"], delivery.ids["ad_id"], strict=True)
    ]
    seed = np.array(ads, dtype=np.int64)[lost_row] * 1_009 + day * 10_007 + rank * 13
    mixed = seed * MIXER % 2**40
    lost_gclid = [
        f"EAIaIQ{m:010x}{d:05x}{r:04x}{a:08x}"
        for m, d, r, a in zip(
            mixed.tolist(),
            day.tolist(),
            rank.tolist(),
            np.array(ads, dtype=np.int64)[lost_row].tolist(),
            strict=True,
        )
    ]
    markets = [accounts[i]["market"] for i in delivery.ids["account_id"][lost_row]]
    lost_country = [COUNTRIES.index(MARKET_COUNTRY[market]) for market in markets]
    drawn = mixed // 2**8
    busy = np.cumsum(HOUR_WEIGHTS)
    lost_hour = np.searchsorted(busy, mixed // 2**20 % busy[-1], side="right")
    devices = np.searchsorted(np.cumsum(WEIGHTS["device"]), drawn % 100, side="right")
    row = np.concatenate([visit_row, lost_row])
    device = np.concatenate([visit_device, devices])
    rest = np.concatenate(
        [
            np.array([zlib.crc32(g.encode()) for g in visit_gclid], dtype=np.int64),
            drawn // 100,
        ]
    )
    code = device
    for name in ("network", "keyword", "term"):
        choice = np.searchsorted(np.cumsum(WEIGHTS[name]), rest % 100, side="right")
        code, rest = code * SIZES[name] + choice, rest // 100
    order = np.argsort(row, kind="stable")
    gclid = np.array([*visit_gclid, *lost_gclid], dtype=object)
    country = np.concatenate([visit_country, np.array(lost_country, dtype=np.int64)])
    hour = np.concatenate([visit_hour, lost_hour])
    return Clicks(row[order], code[order], gclid[order], country[order], hour[order])
