"""Delivery of Google Ads, split by device, network, keyword and search term, or country or hour.

All figures of an ad's day are split once, as finely as any report asks for, so that every report
adds up to the same totals. Countries and hours split what fell on a device and network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.emulation.delivery import Delivery
from marketing_analytics.simulate.emulation.world_files import IntArray
from marketing_analytics.simulate.platforms.google_ads.clicks import (
    CELLS,
    MIXER,
    SIZES,
    WEIGHTS,
    Clicks,
)

# codes that differ in keyword and term alone belong to one device and network
COARSE = SIZES["device"] * SIZES["network"]
BELOW = CELLS // COARSE


@dataclass(frozen=True)
class Cells:
    """What of an ad's day fell on a device, network, keyword and term; sorted by row and code.

    With a part, a country or an hour, the code is that of device and network alone.
    """

    row: IntArray
    code: IntArray
    part: IntArray
    impressions: IntArray
    clicks: IntArray
    spend_cents: IntArray
    # cell of every claim
    claim_cell: IntArray


def split(totals: IntArray, weights: IntArray) -> IntArray:
    """Return (rows x weights): every total in whole parts; weights are of all or of each."""
    whole: IntArray = weights.sum(axis=-1, keepdims=True)
    bounds: IntArray = totals[:, None] * np.cumsum(weights, axis=-1) // whole
    return np.diff(bounds, axis=1, prepend=0)


def code_weights() -> IntArray:
    """Return the weight of every cell."""
    weights = np.ones(1, dtype=np.int64)
    for name in SIZES:
        weights = np.outer(weights, np.array(WEIGHTS[name])).ravel()
    return weights


def build_cells(delivery: Delivery, clicks: Clicks) -> Cells:
    """Return the delivery of every ad and day in cells."""
    weights = code_weights()
    clicked = counted(clicks.row * CELLS + clicks.code, delivery.size, CELLS)
    shown = clicked + split(delivery.impressions - delivery.clicks, weights)
    spent = split(delivery.spend_cents, weights)
    row, code = np.nonzero(shown)
    mixed = np.arange(len(delivery.claim_row), dtype=np.int64) * MIXER % 2**32
    places = delivery.claim_row
    claim_code = drawn(clicked[places], shown[places], delivery.claim_is_view, mixed)
    return Cells(
        row=row,
        code=code,
        part=np.zeros(len(row), dtype=np.int64),
        impressions=shown[row, code],
        clicks=clicked[row, code],
        spend_cents=where_shown(spent, shown)[row, code],
        claim_cell=np.searchsorted(row * CELLS + code, places * CELLS + claim_code),
    )


def split_cells(
    delivery: Delivery, cells: Cells, clicks: Clicks, parts: IntArray, weights: IntArray
) -> Cells:
    """Return cells of device and network, each split; `parts` are those of the clicks."""
    count, size = delivery.size * COARSE, weights.shape[1]
    coarse = cells.row * COARSE + cells.code // BELOW
    shares = np.repeat(weights, COARSE, axis=0)
    clicked = counted((clicks.row * COARSE + clicks.code // BELOW) * size + parts, count, size)
    unclicked = summed(coarse, cells.impressions, count) - clicked.sum(axis=1)
    shown = clicked + split(unclicked, shares)
    spent = split(summed(coarse, cells.spend_cents, count), shares)
    place, part = np.nonzero(shown)
    places = coarse[cells.claim_cell]
    mixed = np.arange(len(places), dtype=np.int64) * MIXER // 2**7 % 2**25
    claim_part = drawn(clicked[places], shown[places], delivery.claim_is_view, mixed)
    return Cells(
        row=place // COARSE,
        code=place % COARSE * BELOW,
        part=part,
        impressions=shown[place, part],
        clicks=clicked[place, part],
        spend_cents=where_shown(spent, shown)[place, part],
        claim_cell=np.searchsorted(place * size + part, places * size + claim_part),
    )


def counted(places: IntArray, rows: int, columns: int) -> IntArray:
    """Return how often every place occurs, as a table."""
    found = np.bincount(places, minlength=rows * columns).reshape(rows, columns)
    return np.asarray(found, dtype=np.int64)


def summed(places: IntArray, amounts: IntArray, count: int) -> IntArray:
    """Return the sum of the amounts of every place."""
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, places, amounts)
    return total


def where_shown(spent: IntArray, shown: IntArray) -> IntArray:
    """Return costs moved to what was shown: nothing costs without an impression."""
    is_free = shown == 0
    result = np.where(is_free, 0, spent)
    result[np.arange(len(shown)), shown.argmax(axis=1)] += (spent * is_free).sum(axis=1)
    return result


def drawn(clicked: IntArray, shown: IntArray, is_view: IntArray, mixed: IntArray) -> IntArray:
    """Return a column for each claim: of a click of its day, or of an impression after a view."""
    has_click = ~is_view & (clicked.sum(axis=1) > 0)
    bounds = np.cumsum(np.where(has_click[:, None], clicked, shown), axis=1)
    chosen = mixed % np.maximum(bounds[:, -1], 1)
    return np.asarray((bounds <= chosen[:, None]).sum(axis=1), dtype=np.int64)
