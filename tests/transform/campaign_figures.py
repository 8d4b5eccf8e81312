"""Campaign figures once more, in plain Python: from raw rows, and from touches and conversions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from raw_tables import TABLES, Rows, usd
from rule_based import Conversion, Touch, path_of
from small_warehouse import Warehouse

ACCOUNT_CURRENCY = {"10": "USD", "11": "EUR", "20": "EUR", "30": "EUR"}
CHANNEL = {"google_ads": "paid_search", "meta_ads": "paid_social", "linkedin_ads": "paid_social"}
WINDOW_DAYS = 30
ZERO = Decimal(0)


@dataclass
class Figures:
    """What a platform tells of a day, money in dollars."""

    impressions: int = 0
    clicks: int = 0
    spend_usd: Decimal = ZERO
    claimed: Decimal = ZERO
    claimed_usd: Decimal = ZERO

    def __add__(self, other: Figures) -> Figures:
        """Return the sum of two."""
        return Figures(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Day:
    """A raw row of a report: where it stands, and its figures in the account's currency."""

    platform: str
    account: str
    campaign: str
    group: str
    ad: str
    on: date
    impressions: int
    clicks: int
    spend: Decimal
    claimed: Decimal
    claimed_value: Decimal
    reach: int | None = None


@dataclass(frozen=True)
class Credit:
    """A touch's part of a conversion under the default model; no touch, no platform."""

    channel: str
    platform: str | None
    campaign: str | None
    touched_on: date | None
    converted_on: date
    is_first: bool
    share: Fraction
    revenue_usd: Decimal


def named(rows: Rows, table: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a raw table by column."""
    return (dict(zip(TABLES[table].columns, row, strict=False)) for row in rows[table])


def meta_days(rows: Rows) -> Iterator[Day]:
    """Yield Meta's days, by ad."""
    for row in named(rows, "meta_ads.ad_insights"):
        yield Day(
            "meta_ads", row["account_id"], row["campaign_id"], row["ad_set_id"], row["ad_id"],
            row["date"], row["impressions"], row["clicks"], row["spend"], row["purchases"],
            Decimal(row["purchase_value"]), row["reach"],
        )  # fmt: skip


def google_days(rows: Rows, table: str) -> Iterator[Day]:
    """Yield Google's days, by campaign or by ad."""
    for row in named(rows, table):
        yield Day(
            "google_ads", row["customer_id"], row["campaign_id"], row.get("ad_group_id", ""),
            row.get("ad_id", ""), row["date"], row["impressions"], row["clicks"],
            Decimal(row["cost_micros"]) / 1_000_000, row["conversions"],
            Decimal(row["conversions_value"]),
        )  # fmt: skip


def linkedin_days(rows: Rows, table: str) -> Iterator[Day]:
    """Yield LinkedIn's days, by campaign or by creative."""
    for row in named(rows, table):
        yield Day(
            "linkedin_ads", row["account_id"], row["campaign_id"], "(none)",
            row.get("creative_id", ""), row["date"], row["impressions"], row["clicks"],
            row["cost_in_local_currency"], Decimal(row["external_website_conversions"]),
            Decimal(row["conversion_value_in_local_currency"]),
        )  # fmt: skip


def campaign_days(rows: Rows) -> dict[tuple[str, str, date], Figures]:
    """Return figures by platform, campaign and day: each row converted at the rate of its day."""
    found: dict[tuple[str, str, date], Figures] = defaultdict(Figures)
    rates = rates_of(rows)
    sources = (
        meta_days(rows),
        google_days(rows, "google_ads.campaign_stats"),
        linkedin_days(rows, "linkedin_ads.campaign_stats"),
    )
    for day in (day for source in sources for day in source):
        found[day.platform, day.campaign, day.on] += Figures(
            day.impressions, day.clicks, in_usd(rates, day, day.spend), day.claimed,
            in_usd(rates, day, day.claimed_value),
        )  # fmt: skip
    return dict(found)


def ad_days(rows: Rows) -> Iterator[Day]:
    """Yield the days of all ads."""
    yield from meta_days(rows)
    yield from google_days(rows, "google_ads.ad_stats")
    yield from linkedin_days(rows, "linkedin_ads.creative_stats")


def rates_of(rows: Rows) -> dict[tuple[str, date], Decimal]:
    """Return dollars for a unit, by currency and day."""
    return {(row[0], row[1]): row[2] for row in rows["shop.exchange_rates"]}


def in_usd(rates: dict[tuple[str, date], Decimal], day: Day, amount: Decimal) -> Decimal:
    """Return an amount of a day in dollars."""
    return usd(amount, rates[ACCOUNT_CURRENCY[day.account], day.on])


def default_credits(built: Warehouse) -> list[Credit]:
    """Return the position based credit of all conversions, from marts of touches and orders.

    Revenue is rounded as running totals, so that the shares of an order add up to it.
    """
    touches = {
        row[0]: (Touch(*row[:5]), row[5], row[6])
        for row in built.query(
            "select touchpoint_id, person_key, ga_session_number, touched_at, channel, platform,"
            " campaign_id from fct_touchpoints"
        )
    }
    by_person: dict[str, list[Touch]] = defaultdict(list)
    for touch, _, _ in touches.values():
        by_person[touch.person_key].append(touch)
    found = []
    for *fields, is_first in built.query(
        "select conversion_id, person_key, converted_at, revenue_usd, is_refunded, is_first_order"
        " from fct_conversions"
    ):
        conversion = Conversion(*fields)
        on = conversion.converted_at.date()
        path = path_of(by_person[conversion.person_key or ""], conversion, WINDOW_DAYS)
        if not path:
            channel = "refunded" if conversion.is_refunded else "unattributed"
            share = Fraction(0 if conversion.is_refunded else 1)
            found.append(
                Credit(channel, None, None, None, on, is_first, share, conversion.revenue_usd)
            )
        before = Fraction(0)
        for touch, share in zip(path, position_based(len(path)), strict=True):
            _, platform, campaign = touches[touch.touchpoint_id]
            revenue = running_cents(conversion.revenue_usd, before + share) - running_cents(
                conversion.revenue_usd, before
            )
            before += share
            found.append(
                Credit(touch.channel, platform, campaign, touch.touched_at.date(), on, is_first,
                       share, revenue)
            )  # fmt: skip
    return found


def position_based(count: int) -> list[Fraction]:
    """Return 40 % for the first and the last touch, the rest for those between."""
    if count <= 2:
        return [Fraction(1, count)] * count if count else []
    middle = Fraction(1, 5) / (count - 2)
    return [Fraction(2, 5), *[middle] * (count - 2), Fraction(2, 5)]


def running_cents(revenue: Decimal, share: Fraction) -> Decimal:
    """Return a running share of revenue, rounded half away from zero to cents."""
    cents = math.floor(abs(Fraction(revenue)) * 100 * share + Fraction(1, 2))
    return Decimal(cents if revenue >= 0 else -cents) / 100


def attributed(credit: Iterable[Credit]) -> tuple[Fraction, Fraction, Decimal]:
    """Return conversions, new customers and revenue of credit."""
    conversions, customers, revenue = Fraction(0), Fraction(0), ZERO
    for part in credit:
        conversions += part.share
        customers += part.share if part.is_first else 0
        revenue += part.revenue_usd
    return conversions, customers, revenue


def month_end(month: date) -> date:
    """Return the last day of a month."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def ratio(above: Any, below: Any) -> float | None:
    """Return a ratio; nothing over zero, and nothing of what is not known."""
    return None if above is None or not below else float(above) / float(below)
