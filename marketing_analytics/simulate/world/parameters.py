"""What a world is made of: its size, its seed and the known parameters of its processes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from marketing_analytics.core.errors import UserError

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
SECOND_US = 1_000_000
EPOCH_DAY = date(1970, 1, 1)
CUSTOMERS_RANGE = (1, 1_000_000)
# shorter than a week has no weekly mail; platforms keep about three years
DAYS_RANGE = (7, 1_095)
EARLIEST_END = date(2015, 1, 1)
LATEST_END = date(2099, 12, 31)


@dataclass(frozen=True)
class PurchaseParameters:
    """BG/NBD in weeks (Fader, Hardie, Lee 2005) and gamma-gamma spend per order.

    Spend is drawn in units of the customer's own currency.
    """

    r: float = 0.34
    alpha_weeks: float = 4.4
    a: float = 0.79
    b: float = 2.43
    p: float = 6.25
    q: float = 3.74
    gamma: float = 18.5


@dataclass(frozen=True)
class HabitParameters:
    """What known customers do by habit, and how it shows that they are leaving.

    `likes` is how many people like each free source best (direct, organic search, organic social,
    referral, e-mail), `meets_ads` how often those meet ads, against the mean. Together with
    `follows_ads` they leave the sources of all visits about as common as without habits.
    """

    # of visits and of opened mails; interest fades this long before a customer lapses
    interest_left: float = 0.1
    fading_days: float = 28.0
    # visits that are no way to an order, for each purchase that is due
    visits_per_purchase: float = 8.0
    # who gave an order back leaves as if there had been so many purchases to leave after
    refund_hazard: float = 3.0
    # share of visits without an ad that come by the way a person likes best
    habit_share: float = 0.75
    likes: tuple[float, ...] = (3.7, 3.7, 0.9, 0.9, 4.4)
    meets_ads: tuple[float, ...] = (0.45, 2.4, 2.4, 2.4, 0.45)
    # by the same free source: how many follow the ads of social networks, of search, affiliates
    follows_ads: tuple[tuple[float, ...], ...] = (
        (0.73, 0.02, 0.25),
        (0.0, 1.0, 0.0),
        (1.0, 0.0, 0.0),
        (0.0, 0.0, 1.0),
        (0.73, 0.02, 0.25),
    )


@dataclass(frozen=True)
class WorldParameters:
    """Seed, size and processes of one world; the last day is inclusive, in UTC."""

    seed: int = 1
    customers: int = 5_000
    days: int = 180
    end_date: date = date(2026, 10, 31)
    purchases: PurchaseParameters = field(default_factory=PurchaseParameters)
    habits: HabitParameters = field(default_factory=HabitParameters)
    # 36 % in euros: no total is right by accident when a rate is forgotten
    eur_share: float = 0.36
    opted_out_share: float = 0.05
    # buyers without an account, on top of the customers
    guest_share: float = 0.08
    refund_share: float = 0.05
    always_blocking_share: float = 0.045
    session_loss_share: float = 0.02

    def __post_init__(self) -> None:
        require_range("--seed", self.seed, 0, 2**31 - 1)
        require_range("--customers", self.customers, *CUSTOMERS_RANGE)
        require_range("--days", self.days, *DAYS_RANGE)
        if not EARLIEST_END <= self.end_date <= LATEST_END:
            raise UserError(
                f"--end-date {self.end_date} is out of range",
                hint=f"give a date from {EARLIEST_END} to {LATEST_END}",
            )

    @property
    def guests(self) -> int:
        """Return how many buy without an account."""
        return round(self.customers * self.guest_share)

    @property
    def buyers(self) -> int:
        """Return customers and guests together."""
        return self.customers + self.guests

    @property
    def start_date(self) -> date:
        """Return the first day."""
        return self.end_date - timedelta(days=self.days - 1)

    @property
    def start_day(self) -> int:
        """Return the first day as days since 1970-01-01."""
        return (self.start_date - EPOCH_DAY).days

    @property
    def end_day(self) -> int:
        """Return the last day, inclusive, as days since 1970-01-01."""
        return (self.end_date - EPOCH_DAY).days

    @property
    def start_us(self) -> int:
        """Return the first moment in microseconds since 1970."""
        return self.start_day * DAY_US

    @property
    def end_us(self) -> int:
        """Return the first moment after the world in microseconds since 1970."""
        return (self.end_day + 1) * DAY_US

    @property
    def as_of_us(self) -> int:
        """Return the moment the ledger speaks of: 06:00 UTC on the day after the last."""
        return self.end_us + 6 * HOUR_US

    @property
    def as_of(self) -> datetime:
        """Return `as_of_us` as a time."""
        return datetime.fromtimestamp(self.as_of_us / 1e6, UTC)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        values = asdict(self)
        values["end_date"] = self.end_date.isoformat()
        values["start_date"] = self.start_date.isoformat()
        values["as_of"] = self.as_of.strftime("%Y-%m-%dT%H:%M:%SZ")
        return values


def require_range(name: str, value: int, low: int, high: int) -> None:
    """Raise UserError unless low <= value <= high."""
    if not low <= value <= high:
        raise UserError(
            f"{name} {value} is out of range", hint=f"give a whole number from {low} to {high}"
        )
