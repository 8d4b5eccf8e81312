"""What kinds of advertising do: who is brought, who is only harvested, how fast, how far.

A tactic that *brings* adds people who would not have come. A tactic that *harvests* meets people
who are there already: it takes their last visit and raises their chance to buy a little.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tactic:
    """One kind of advertising.

    At its usual spend: `intent_share` of its clicks bring a person with intent, `click_share` of
    the people it brings click (the others saw the ad and come another way), and they buy with
    `conversion` on average. `lift` is the relative gain in the chance to buy of people it meets.
    `half_saturation` is the pressure, in usual spends, at which half of the ceiling is reached.
    `early`, `late` weigh its ads among the first and the later visits of people it meets, by
    usual clicks per customer.
    """

    half_life_days: float
    lag_days: int
    half_saturation: float
    intent_share: float = 0.0
    click_share: float = 1.0
    conversion: float = 0.0
    lift: float = 0.0
    needs_visit: bool = False
    early: float = 0.0
    late: float = 0.0


TACTICS: dict[str, Tactic] = {
    "prospecting": Tactic(4.0, 1, 1.2, 0.50, 0.45, 0.034, early=0.04),
    "video": Tactic(7.0, 2, 1.0, 0.30, 0.25, 0.030, early=0.02),
    "leads": Tactic(5.0, 1, 0.8, 0.45, 0.60, 0.022, early=0.02),
    "generic_search": Tactic(1.5, 0, 1.5, 0.42, 0.95, 0.070, early=0.12),
    "shopping": Tactic(1.5, 0, 1.2, 0.42, 0.95, 0.055, early=0.10),
    "performance_max": Tactic(3.0, 0, 1.0, 0.38, 0.70, 0.045, early=0.08, late=0.20),
    "b2b": Tactic(7.0, 2, 1.0, 0.45, 0.35, 0.050),
    "retargeting": Tactic(2.0, 0, 0.6, lift=0.07, needs_visit=True, late=0.60),
    "display_retargeting": Tactic(2.0, 0, 0.5, lift=0.02, needs_visit=True, late=0.25),
    "brand_search": Tactic(1.0, 0, 0.3, lift=0.015, early=0.05, late=0.50),
}
AFFILIATE, EMAIL = "affiliate", "email"
# the affiliates' pages: no campaign of ours, always there but for planned pauses
AFFILIATE_LIFT = 0.01
AFFILIATE_LATE = 0.9
COMMISSION_SHARE = 0.08
