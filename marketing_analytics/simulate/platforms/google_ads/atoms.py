"""What reports add up: delivery and conversions as finely as a query asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from marketing_analytics.simulate.emulation.delivery import Delivery
from marketing_analytics.simulate.emulation.world_files import IntArray, WorldFiles
from marketing_analytics.simulate.platforms.google_ads.cells import (
    Cells,
    build_cells,
    split_cells,
)
from marketing_analytics.simulate.platforms.google_ads.clicks import (
    COUNTRIES,
    HOUR_WEIGHTS,
    MARKETS,
    Clicks,
    build_clicks,
)


@dataclass(frozen=True)
class Atoms:
    """What is added up: rows of delivery, cells of rows, or single claims."""

    row: IntArray
    code: IntArray
    impressions: IntArray
    clicks: IntArray
    spend_cents: IntArray
    # millionths, and micros
    conversions: IntArray
    value: IntArray
    views: IntArray
    action: IntArray
    # number of the country or hour
    part: IntArray

    FIGURES = ("impressions", "clicks", "spend_cents", "conversions", "value", "views")


class Splits:
    """Delivery of one world, split in all ways that reports ask for."""

    def __init__(self, world: WorldFiles, delivery: Delivery) -> None:
        self.world = world
        self.delivery = delivery
        self._cells: dict[str, Cells] = {}
        self._known: dict[tuple[int, str, str], Atoms] = {}

    @cached_property
    def clicks(self) -> Clicks:
        """Return all clicks, made when they are first asked for."""
        return build_clicks(self.world, self.delivery)

    def cells(self, part: str) -> Cells:
        """Return delivery in cells, or by country or hour, made when it is first asked for."""
        if part not in self._cells:
            self._cells[part] = (
                split_cells(
                    self.delivery,
                    self.cells(""),
                    self.clicks,
                    getattr(self.clicks, part),
                    self.weights(part),
                )
                if part
                else build_cells(self.delivery, self.clicks)
            )
        return self._cells[part]

    def weights(self, part: str) -> IntArray:
        """Return for every row of delivery how it falls on countries or hours."""
        if part == "hour":
            return np.tile(np.array(HOUR_WEIGHTS), (self.delivery.size, 1))
        accounts = self.world.rows("accounts", "google_ads")
        shares = {
            row["account_id"]: [MARKETS.get(row["market"], {}).get(name, 0) for name in COUNTRIES]
            for row in accounts
        }
        found = [shares[account] for account in self.delivery.ids["account_id"]]
        return np.array(found, dtype=np.int64).reshape(-1, len(COUNTRIES))

    def at(self, now_us: int, grain: str, part: str) -> Atoms:
        """Return what is known at a moment, as finely as needed; the last answers are kept."""
        if any(at != now_us for at, _, _ in self._known):
            self._known.clear()
        key = (now_us, grain, part)
        if key not in self._known:
            makers = {"row": self.of_rows, "cell": self.of_cells, "claim": self.of_claims}
            self._known[key] = makers[grain](now_us, part)
        return self._known[key]

    def of_rows(self, now_us: int, _part: str) -> Atoms:
        """Return the rows of delivery."""
        delivery, matured = self.delivery, self.delivery.at(now_us)
        nothing = np.zeros(delivery.size, dtype=np.int64)
        return Atoms(
            row=np.arange(delivery.size),
            code=nothing,
            impressions=delivery.impressions,
            clicks=delivery.clicks,
            spend_cents=delivery.spend_cents,
            conversions=matured.conversions["click"],
            value=matured.values["click"],
            views=matured.conversions["1d_view"],
            action=nothing,
            part=nothing,
        )

    def of_cells(self, now_us: int, part: str) -> Atoms:
        """Return the cells of delivery."""
        cells, claims = self.cells(part), self.of_claims(now_us, part)
        known = self.known_claims(now_us)
        figures = {}
        for name in ("conversions", "value", "views"):
            figures[name] = np.zeros(len(cells.row), dtype=np.int64)
            np.add.at(figures[name], cells.claim_cell[known], getattr(claims, name))
        return Atoms(
            cells.row,
            cells.code,
            cells.impressions,
            cells.clicks,
            cells.spend_cents,
            action=np.zeros(len(cells.row), dtype=np.int64),
            part=cells.part,
            **figures,
        )

    def known_claims(self, now_us: int) -> IntArray:
        """Return the claims that Google knows of at a moment."""
        return np.flatnonzero(self.delivery.claim_reported_us <= now_us)

    def of_claims(self, now_us: int, part: str) -> Atoms:
        """Return single claims."""
        delivery, known = self.delivery, self.known_claims(now_us)
        cells = self.cells(part)
        place = cells.claim_cell[known]
        nothing = np.zeros(len(known), dtype=np.int64)
        is_view = delivery.claim_is_view[known]
        share = delivery.claim_ppm[known]
        # what came after a view is a purchase on the web as well
        is_by_phone = ~delivery.claim_has_order[known] & ~is_view
        return Atoms(
            row=delivery.claim_row[known],
            code=cells.code[place],
            impressions=nothing,
            clicks=nothing,
            spend_cents=nothing,
            conversions=np.where(is_view, 0, share),
            value=np.where(is_view, 0, delivery.claim_micros[known]),
            views=np.where(is_view, share, 0),
            action=is_by_phone.astype(np.int64),
            part=cells.part[place],
        )
