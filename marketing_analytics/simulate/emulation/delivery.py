"""What an ad platform shows at a moment: delivery so far and the claims that have matured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from marketing_analytics.simulate.emulation.world_files import IntArray, WorldFiles, int_column

DAY_US = 86_400_000_000
EPOCH = date(1970, 1, 1)


def local_today(now_us: int, zone_name: str) -> int:
    """Return the local date as days since 1970."""
    moment = datetime.fromtimestamp(now_us / 1e6, UTC).astimezone(ZoneInfo(zone_name))
    return (moment.date() - EPOCH).days


@dataclass(frozen=True)
class Matured:
    """Per ad-day: conversions in millionths and value in micros by window, at one moment."""

    now_us: int
    conversions: dict[str, IntArray]
    values: dict[str, IntArray]


@dataclass(frozen=True)
class Withheld:
    """Days of a campaign that the platform does not tell, though they were delivered."""

    campaign_id: str
    first_day: int
    last_day: int


class Delivery:
    """The ad days and claims of one platform."""

    def __init__(self, world: WorldFiles, platform: str) -> None:
        table = world.table("ad_days")
        mine = np.flatnonzero(np.asarray(table["platform"].to_pylist(), dtype=object) == platform)
        # claims point at rows of all platforms: translate to rows of this one, -1 for others
        table_row = np.full(table.num_rows, -1, dtype=np.int64)
        table_row[mine] = np.arange(len(mine))
        table = table.take(mine)
        self.size = len(mine)
        self.ids: dict[str, NDArray[Any]] = {
            name: np.asarray(table[name].to_pylist(), dtype=object)
            for name in ("account_id", "campaign_id", "ad_group_id", "ad_id")
        }
        self.day = int_column(table, "date")
        self.impressions = int_column(table, "impressions")
        self.reach = int_column(table, "reach")
        self.clicks = int_column(table, "clicks")
        self.spend_cents = int_column(table, "spend_cents")
        self.removed_us = int_column(table, "removed_at")
        self.load_claims(world, table_row)
        self.matured: Matured | None = None
        self.withheld: list[Withheld] = []

    def load_claims(self, world: WorldFiles, table_row: IntArray) -> None:
        """Keep the claims on this platform's rows."""
        claims = world.table("claims")
        row = table_row[int_column(claims, "ad_day")]
        keep = row >= 0
        self.claim_row = row[keep]
        self.claim_lag_us = int_column(claims, "lag_us")[keep]
        self.claim_reported_us = int_column(claims, "reported_at")[keep]
        self.claim_ppm = int_column(claims, "weight_ppm")[keep]
        cents = int_column(claims, "value_cents")[keep]
        # cents x millionths / 100 are micros
        self.claim_micros = cents * self.claim_ppm // 100
        kinds = np.asarray(claims["kind"].to_pylist(), dtype=object)[keep]
        self.claim_is_view = np.asarray(kinds == "view", dtype=bool)
        orders = np.asarray(claims["order_id"].is_valid().to_numpy(), dtype=bool)[keep]
        # what a platform models or will only know later has no order of ours
        self.claim_has_order = orders

    def at(self, now_us: int) -> Matured:
        """Return the conversions known at a moment; the last answer is kept."""
        if self.matured is None or self.matured.now_us != now_us:
            self.matured = self.mature(now_us)
        return self.matured

    def mature(self, now_us: int) -> Matured:
        """Sum the reported claims per row and attribution window."""
        # the same day looks better a week later: claims arrive late
        known = self.claim_reported_us <= now_us
        click = known & ~self.claim_is_view
        masks = {
            "1d_click": click & (self.claim_lag_us <= DAY_US),
            "7d_click": click & (self.claim_lag_us <= 7 * DAY_US),
            "28d_click": click & (self.claim_lag_us <= 28 * DAY_US),
            "1d_view": known & self.claim_is_view,
            "click": click,
        }
        # what the platform counts when nobody asks for a window
        masks["default"] = masks["7d_click"] | masks["1d_view"]
        return Matured(
            now_us=now_us,
            conversions={k: self.sums(self.claim_ppm, mask) for k, mask in masks.items()},
            values={k: self.sums(self.claim_micros, mask) for k, mask in masks.items()},
        )

    def sums(self, values: IntArray, mask: NDArray[np.bool_]) -> IntArray:
        """Return the sum of the chosen claims' values per row."""
        result = np.zeros(self.size, dtype=np.int64)
        # add.at, since several claims fall on one row
        np.add.at(result, self.claim_row[mask], values[mask])
        return result

    def visible(
        self, account_id: str, since_day: int, until_day: int, now_us: int, zone_name: str
    ) -> IntArray:
        """Return the rows of an account and date range that exist at a moment."""
        # the account's own today may be a day before that of UTC
        until_day = min(until_day, local_today(now_us, zone_name))
        # rows that the platform has taken back by now are gone
        mask = (self.ids["account_id"] == account_id) & (self.removed_us > now_us)
        mask &= (self.day >= since_day) & (self.day <= until_day)
        for lost in self.withheld:
            is_lost = self.ids["campaign_id"] == lost.campaign_id
            mask &= ~(is_lost & (self.day >= lost.first_day) & (self.day <= lost.last_day))
        return np.flatnonzero(mask).astype(np.int64)
