"""Every click of Google Ads, and delivery split by device, network, keyword and search term.

The clicks that became visits are those of the world, with their click ids; the others complete the
number that Google counts. All figures of an ad's day are split once, as finely as any report
asks for, so that every report adds up to the same totals.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketing_analytics.simulate.emulation.delivery import Delivery
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
MARKET_COUNTRY = {"US": "United States", "EU": "Germany"}
# Knuth's multiplier: neighbours get numbers that look unrelated
MIXER = 2_654_435_761


def split(totals: IntArray, weights: IntArray) -> IntArray:
    """Return (rows x weights): every total in whole parts that add up to it."""
    bounds = totals[:, None] * np.cumsum(weights)[None, :] // int(weights.sum())
    return np.diff(bounds, axis=1, prepend=0)


def code_weights() -> IntArray:
    """Return the weight of every cell."""
    weights = np.ones(1, dtype=np.int64)
    for name in SIZES:
        weights = np.outer(weights, np.array(WEIGHTS[name])).ravel()
    return weights


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
class Cells:
    """What of an ad's day fell on a device, network, keyword and term; sorted by row and code."""

    row: IntArray
    code: IntArray
    impressions: IntArray
    clicks: IntArray
    spend_cents: IntArray
    # cell of every claim
    claim_cell: IntArray


@dataclass(frozen=True)
class Clicks:
    """One row per click, sorted by row of delivery."""

    row: IntArray
    code: IntArray
    gclid: NDArray[Any]
    country: NDArray[Any]


def visits_of(
    world: WorldFiles, delivery: Delivery
) -> tuple[IntArray, IntArray, list[str], list[str]]:
    """Return row, device, click id and country of the sessions that came through an ad."""
    kinds = {row["user_pseudo_id"]: row for row in world.rows("devices")}
    countries = world.table("people")["country"].to_pylist()
    ids, days = delivery.ids, delivery.day.tolist()
    places = {
        key: row for row, key in enumerate(zip(ids["campaign_id"], ids["ad_id"], days, strict=True))
    }
    columns = ("campaign_id", "ad_id", "ad_date", "user_pseudo_id", "click_id")
    table = world.table("sessions").select(list(columns))
    dates = table["ad_date"].cast("int32").to_pylist()
    rows, devices, gclids, where = [], [], [], []
    for campaign, ad, day, device, gclid in zip(
        *(table[n].to_pylist() for n in columns[:2]),
        dates,
        *(table[n].to_pylist() for n in columns[3:]),
        strict=True,
    ):
        row = places.get((campaign, ad, day))
        if row is not None:
            rows.append(row)
            devices.append(DEVICE_OF_KIND[kinds[device]["kind"]])
            gclids.append(gclid)
            where.append(countries[kinds[device]["person"]])
    return np.array(rows, dtype=np.int64), np.array(devices, dtype=np.int64), gclids, where


def build_clicks(world: WorldFiles, delivery: Delivery, markets: dict[str, str]) -> Clicks:
    """Return all clicks: the visits of the world, and those that led to none."""
    visit_row, visit_device, visit_gclid, visit_country = visits_of(world, delivery)
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
    lost_country = [markets[a] for a in delivery.ids["account_id"][lost_row]]
    drawn = mixed // 2**8
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
    country = np.array([*visit_country, *lost_country], dtype=object)
    return Clicks(row[order], code[order], gclid[order], country[order])


def build_cells(delivery: Delivery, clicks: Clicks) -> Cells:
    """Return the delivery of every ad and day in cells."""
    weights = code_weights()
    place = clicks.row * CELLS + clicks.code
    clicked = np.bincount(place, minlength=delivery.size * CELLS).reshape(delivery.size, CELLS)
    shown = clicked + split(delivery.impressions - delivery.clicks, weights)
    spent = split(delivery.spend_cents, weights)
    # money falls on what was shown: no cell costs without an impression
    spent[np.arange(delivery.size), shown.argmax(axis=1)] += (spent * (shown == 0)).sum(axis=1)
    spent[shown == 0] = 0
    row, code = np.nonzero(shown)
    cells = row * CELLS + code
    mixed = np.arange(len(delivery.claim_row), dtype=np.int64) * MIXER % 2**32
    claim_code = weighted_codes(clicked, shown, delivery, mixed)
    return Cells(
        row=row,
        code=code,
        impressions=shown[row, code],
        clicks=clicked[row, code],
        spend_cents=spent[row, code],
        claim_cell=np.searchsorted(cells, delivery.claim_row * CELLS + claim_code),
    )


def weighted_codes(
    clicked: IntArray, shown: IntArray, delivery: Delivery, mixed: IntArray
) -> IntArray:
    """Return a cell for each claim: of a click of its day, or of an impression after a view."""
    rows = delivery.claim_row
    has_click = ~delivery.claim_is_view & (delivery.clicks[rows] > 0)
    counts = np.where(has_click[:, None], clicked[rows], shown[rows])
    bounds = np.cumsum(counts, axis=1)
    drawn = mixed % np.maximum(bounds[:, -1], 1)
    return np.asarray((bounds <= drawn[:, None]).sum(axis=1), dtype=np.int64)
