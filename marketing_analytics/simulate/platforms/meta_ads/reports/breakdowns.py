"""Breakdowns: how the figures of an ad and day fall on ages, countries, placements, devices.

The world knows its people's countries and devices; ages, genders, placements and hours are ours.
Figures are split without a rest: the parts of a day add up to the day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from marketing_analytics.simulate.emulation.world_files import IntArray, WorldFiles
from marketing_analytics.simulate.platforms.meta_ads.errors import (
    MetaError,
    bad_parameter,
    not_one_of,
)
from marketing_analytics.simulate.platforms.meta_ads.graph import ENUMERATIONS

Weights = Mapping[tuple[str, ...], int]

HOURS = "hourly_stats_aggregated_by_advertiser_time_zone"
AGES = {"18-24": 14, "25-34": 27, "35-44": 23, "45-54": 17, "55-64": 12, "65+": 7}
GENDERS = {"female": 56, "male": 42, "unknown": 2}
PLACEMENTS: Weights = {
    ("facebook", "feed"): 38,
    ("facebook", "facebook_stories"): 6,
    ("facebook", "facebook_reels"): 8,
    ("instagram", "feed"): 20,
    ("instagram", "instagram_stories"): 14,
    ("instagram", "instagram_reels"): 9,
    ("audience_network", "an_classic"): 3,
    ("messenger", "messenger_inbox"): 2,
}
# kind of device in the world: as Meta calls it, and the platform
DEVICES = {
    "desktop": (("desktop", "desktop", 1),),
    "mobile": (("iphone", "mobile_app", 1), ("android_smartphone", "mobile_app", 1)),
    "tablet": (("ipad", "mobile_web", 2),),
}
COUNTRY_CODES = {
    "United States": "US",
    "Canada": "CA",
    "Germany": "DE",
    "France": "FR",
    "Netherlands": "NL",
    "Italy": "IT",
    "Spain": "ES",
}
COMBINATIONS = frozenset(
    frozenset(names)
    for names in (
        (),
        ("age",),
        ("gender",),
        ("age", "gender"),
        ("country",),
        ("region",),
        ("comscore_market",),
        ("publisher_platform",),
        ("publisher_platform", "platform_position"),
        ("publisher_platform", "impression_device"),
        ("publisher_platform", "platform_position", "impression_device"),
        ("publisher_platform", "device_platform"),
        ("publisher_platform", "platform_position", "device_platform"),
        ("impression_device",),
        ("device_platform",),
        (HOURS,),
        ("product_id",),
    )
)


@dataclass(frozen=True)
class Cells:
    """The parts into which figures fall: what each is called, and its weight."""

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    weights: IntArray

    @property
    def total(self) -> int:
        """Return the sum of the weights."""
        return int(self.weights.sum())

    def split(self, amounts: IntArray, offsets: IntArray) -> IntArray:
        """Return amounts (one each row) split over the cells (columns), without a rest."""
        if not len(self.values):
            return np.zeros((len(amounts), 0), dtype=np.int64)
        ends = np.cumsum(self.weights)
        # a different offset each row: else small amounts would all fall on the same cell
        reached = (amounts[:, None] * ends[None, :] + offsets[:, None] % self.total) // self.total
        return np.asarray(np.diff(reached, axis=1, prepend=0), dtype=np.int64)


class Breakdowns:
    """What the accounts of a world can be broken down by."""

    def __init__(self, world: WorldFiles) -> None:
        people = world.table("people")
        countries = Counter(
            zip(people["is_eur"].to_pylist(), people["country"].to_pylist(), strict=True)
        )
        self.countries: dict[str, Weights] = {
            # a small world may have nobody in a market: ads are shown there all the same
            market: {
                (COUNTRY_CODES[c],): n for (eur, c), n in sorted(countries.items()) if eur is is_eur
            }
            or {(home,): 1}
            for market, is_eur, home in (("US", False, "US"), ("EU", True, "DE"))
        }
        kinds = Counter(world.table("devices")["kind"].to_pylist())
        self.devices: Counter[tuple[str, ...]] = Counter()
        self.device_platforms: Counter[tuple[str, ...]] = Counter()
        for kind, count in sorted(kinds.items()):
            for device, platform, weight in DEVICES[kind]:
                self.devices[device,] += count * weight
                self.device_platforms[platform,] += count * weight

    def cells(self, names: Sequence[str], market: str) -> Cells:
        """Return the cells of a combination of breakdowns; without any there is one."""
        groups = self.groups(names, market)
        combined = list(product(*(weights.items() for _, weights in groups)))
        order = [name for own, _ in groups for name in own]
        weights = [int(np.prod([weight for _, weight in one], dtype=np.int64)) for one in combined]
        values = [
            dict(zip(order, (v for own, _ in one for v in own), strict=True)) for one in combined
        ]
        return Cells(
            tuple(names),
            tuple(tuple(value[name] for name in names) for value in values),
            np.asarray(weights, dtype=np.int64),
        )

    def groups(self, names: Sequence[str], market: str) -> list[tuple[tuple[str, ...], Weights]]:
        """Return weights by breakdowns that depend on each other."""
        countries = self.countries[market]
        first = next(iter(countries))[0]
        found: list[tuple[tuple[str, ...], Weights]] = []
        alone: dict[str, Weights] = {
            "age": {(age,): weight for age, weight in AGES.items()},
            "gender": {(gender,): weight for gender, weight in GENDERS.items()},
            "country": countries,
            # the world knows no smaller places: a region is a country's capital
            "region": {(f"Region of {code}",): n for (code,), n in countries.items()},
            "comscore_market": {(f"{first} market {i}",): 4 - i for i in (1, 2, 3)},
            "impression_device": self.devices,
            "device_platform": self.device_platforms,
            HOURS: {(f"{h:02d}:00:00 - {h:02d}:59:59",): 1 + min(h, 24 - h) for h in range(24)},
            # only ads for a catalogue have products
            "product_id": {},
        }
        if "platform_position" in names:
            found.append((("publisher_platform", "platform_position"), PLACEMENTS))
        elif "publisher_platform" in names:
            platforms: Counter[tuple[str, ...]] = Counter()
            for (platform, _), weight in PLACEMENTS.items():
                platforms[platform,] += weight
            found.append((("publisher_platform",), platforms))
        return [*found, *(((name,), alone[name]) for name in names if name in alone)]


def check_breakdowns(names: Sequence[str]) -> None:
    """Raise MetaError for a breakdown that does not exist, or not together with the others."""
    for name in names:
        if name == "dma":
            raise bad_parameter("The dma breakdown is no longer available: use comscore_market.")
        if name not in ENUMERATIONS["Breakdowns"]:
            raise not_one_of("breakdowns[0]", name, ENUMERATIONS["Breakdowns"])
    if len(set(names)) != len(names) or frozenset(names) not in COMBINATIONS:
        raise MetaError(
            f"(#100) Current combination of data breakdown columns ({', '.join(names)}) is invalid",
            code=2,
            subcode=1_504_041,
        )
