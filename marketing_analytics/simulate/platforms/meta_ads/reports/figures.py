"""The figures of ads and days as arrays: a row an ad and day, a column a cell of the breakdown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.emulation.delivery import EPOCH, Delivery
from marketing_analytics.simulate.emulation.world_files import IntArray, WorldFiles, int_column
from marketing_analytics.simulate.platforms.meta_ads.reports.breakdowns import Cells

MILLION = 1_000_000
LINK_CLICK_SHARE = 6  # one click in six is not on the link
# a visit that goes so far is counted as this: browse, product, cart, checkout
VISIT_ACTIONS = {
    "landing_page_view": 0,
    "view_content": 2,
    "add_to_cart": 3,
    "initiate_checkout": 4,
}
# what grows from one window to the next is split, so that windows grow in every cell too
CLICK_WINDOWS = ("1d_click", "7d_click", "28d_click")


@dataclass(frozen=True)
class Figures:
    """Sums by cell; amounts are in minor units, conversions whole.

    Nobody is told apart: the reach of several days or ads is the sum of theirs.
    """

    impressions: IntArray
    reach: IntArray
    clicks: IntArray
    link_clicks: IntArray
    cents: IntArray
    visits: dict[str, IntArray]
    conversions: dict[str, IntArray]
    values: dict[str, IntArray]

    def is_empty(self, cell: int) -> bool:
        """Return whether nothing fell on a cell, not even a conversion."""
        arrays = (self.impressions, self.clicks, self.cents, *self.conversions.values())
        return not any(array[cell] for array in arrays)

    def of(self, members: list[int]) -> Figures:
        """Return the sums of some rows, a figure by cell."""

        def sums(array: IntArray) -> IntArray:
            return np.asarray(array[members].sum(axis=0), dtype=np.int64)

        def each(arrays: dict[str, IntArray]) -> dict[str, IntArray]:
            return {name: sums(array) for name, array in arrays.items()}

        return Figures(
            sums(self.impressions),
            sums(self.reach),
            sums(self.clicks),
            sums(self.link_clicks),
            sums(self.cents),
            each(self.visits),
            each(self.conversions),
            each(self.values),
        )


class FigureSource:
    """Makes figures from the delivery and the visits of a world."""

    def __init__(self, world: WorldFiles, delivery: Delivery) -> None:
        self.delivery = delivery
        self.visits = {
            name: visits_of(world, delivery, depth) for name, depth in VISIT_ACTIONS.items()
        }

    def figures(self, index: IntArray, now_us: int, cells: Cells) -> Figures:
        """Return the figures of some rows of the delivery at a moment."""
        delivery, matured = self.delivery, self.delivery.at(now_us)
        # any number that differs from row to row and stays the same
        offsets = index * 2_654_435_761 % 1_000_003

        def split(amounts: IntArray) -> IntArray:
            return cells.split(np.asarray(amounts[index], dtype=np.int64), offsets)

        steps = {name: matured.conversions[name] // MILLION for name in (*CLICK_WINDOWS, "1d_view")}
        parts = {"1d_click": split(steps["1d_click"]), "1d_view": split(steps["1d_view"])}
        parts["7d_click"] = parts["1d_click"] + split(steps["7d_click"] - steps["1d_click"])
        parts["28d_click"] = parts["7d_click"] + split(steps["28d_click"] - steps["7d_click"])
        parts["default"] = parts["7d_click"] + parts["1d_view"]
        values = {
            name: along(part, np.asarray(matured.values[name][index] // 10_000, dtype=np.int64))
            for name, part in parts.items()
        }
        clicks, impressions = delivery.clicks, split(delivery.impressions)
        return Figures(
            impressions,
            along(impressions, delivery.reach[index]),
            split(clicks),
            # per day, then summed: the sum of days must equal the whole
            split(clicks - clicks // LINK_CLICK_SHARE),
            split(delivery.spend_cents),
            {name: split(visits) for name, visits in self.visits.items()},
            parts,
            values,
        )


def along(parts: IntArray, amounts: IntArray) -> IntArray:
    """Return amounts split as counts are: what has no count has no value."""
    totals = parts.sum(axis=1)
    safe = np.where(totals > 0, totals, 1)
    reached = amounts[:, None] * np.cumsum(parts, axis=1) // safe[:, None]
    return np.asarray(np.diff(reached, axis=1, prepend=0), dtype=np.int64)


def visits_of(world: WorldFiles, delivery: Delivery, depth: int) -> IntArray:
    """Return how many visits of every row of the delivery went at least so far."""
    rows = {
        key: position
        for position, key in enumerate(
            zip(delivery.ids["ad_id"].tolist(), delivery.day.tolist(), strict=True)
        )
    }
    sessions = world.table("sessions")
    counts = np.zeros(delivery.size, dtype=np.int64)
    far = int_column(sessions, "depth") >= depth
    for ad_id, day, is_far in zip(
        sessions["ad_id"].to_pylist(), sessions["ad_date"].to_pylist(), far.tolist(), strict=True
    ):
        position = rows.get((ad_id, (day - EPOCH).days if day else None))
        if position is not None and is_far:
            counts[position] += 1
    return counts
