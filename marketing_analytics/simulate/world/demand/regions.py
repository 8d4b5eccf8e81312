"""The twenty regions: where people live, what they pay with, how many they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.chance import BoolArray, FloatArray
from marketing_analytics.simulate.world.parameters import WorldParameters

US, EU = "US", "EU"


@dataclass(frozen=True)
class Region:
    """One region: its size counts within its market; consent is refused `refusal` times as often.

    `refusal` is relative to the other regions.
    """

    name: str
    country: str
    market: str
    size: float
    refusal: float


REGIONS = (
    Region("California", "United States", US, 12.0, 1.2),
    Region("Texas", "United States", US, 9.0, 0.6),
    Region("Florida", "United States", US, 7.0, 0.6),
    Region("New York", "United States", US, 7.0, 0.8),
    Region("Pennsylvania", "United States", US, 5.0, 0.6),
    Region("Illinois", "United States", US, 5.0, 0.6),
    Region("Ohio", "United States", US, 4.5, 0.6),
    Region("Georgia", "United States", US, 4.0, 0.6),
    Region("Washington", "United States", US, 3.5, 0.7),
    Region("Massachusetts", "United States", US, 3.0, 0.7),
    Region("Colorado", "United States", US, 2.5, 0.7),
    Region("Ontario", "Canada", US, 6.0, 0.9),
    Region("North Rhine-Westphalia", "Germany", EU, 7.0, 2.0),
    Region("Bavaria", "Germany", EU, 6.0, 2.0),
    Region("Berlin", "Germany", EU, 3.0, 2.2),
    Region("Ile-de-France", "France", EU, 5.0, 1.8),
    Region("North Holland", "Netherlands", EU, 5.0, 1.5),
    Region("Community of Madrid", "Spain", EU, 3.0, 1.0),
    Region("Catalonia", "Spain", EU, 2.0, 1.0),
    Region("Lombardy", "Italy", EU, 3.0, 1.2),
)
IS_EUR: BoolArray = np.array([region.market == EU for region in REGIONS])


def region_shares(parameters: WorldParameters) -> FloatArray:
    """Return each region's share of the people; the regions of the euro have `eur_share`."""
    size = np.array([region.size for region in REGIONS])
    of_market = np.where(IS_EUR, parameters.eur_share, 1.0 - parameters.eur_share)
    return np.asarray(of_market * size / np.where(IS_EUR, size[IS_EUR].sum(), size[~IS_EUR].sum()))


def in_market(market: str) -> BoolArray:
    """Return which regions an account of a market reaches; an empty market reaches all."""
    return np.array([market in {"", region.market} for region in REGIONS])
