"""Orders and revenue of the marts against the shop's own rows, and against each other.

Every order of the shop is a conversion of the same day, currency and total; every model hands out
the revenue that there is; the executive page shows it. All of it is equal to the cent, whatever the
size of the shop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from marketing_analytics.monitor.check import (
    MOST_DAYS,
    Check,
    Finding,
    Look,
    NotKnownError,
    Threshold,
)
from marketing_analytics.web.words import plural

SHOPS = ("stg_shop__orders", "stg_shopify__orders")
ORDERS, COUNT, REVENUE, PAGE = "shop", "shop/orders", "attribution", "executive"
BUILD = "build the marts again from the orders on (dbt build --select stg_shop__orders+)"
# one day of a model, or an order's: (what there is, what should be)
Pair = tuple[date, float, float]
# number and total by day and currency
Orders = dict[tuple[date, str], tuple[int, float]]


def look(seen: Look) -> Iterator[Finding]:
    """Yield where orders or revenue differ."""
    conversions = totals(seen.rows("conversions_by_day", seen.as_of))
    shop = nearest_shop(seen, conversions)
    yield from differing(seen, ORDERS, "the marts hold {} than the shop's orders", [
        (day, conversions.get((day, currency), (0, 0.0))[1], shop.get((day, currency), (0, 0.0))[1])
        for day, currency in sorted(shop.keys() | conversions.keys())
    ])  # fmt: skip
    yield from miscounted(shop, conversions)
    if "fct_attribution" in seen.tables:
        first = seen.as_of - timedelta(days=int(seen.thresholds["days"]))
        rows = seen.rows("revenue_by_model_day", *([first, seen.as_of] * 3))
        for model in sorted({row["model"] for row in rows}):
            yield from differing(
                seen,
                f"{REVENUE}/{model}",
                f"{model} hands out {{}} revenue than there is",
                [
                    pair(row, "attributed_usd", "revenue_usd")
                    for row in rows
                    if row["model"] == model
                ],
            )
    if "rpt_channel_attribution" in seen.tables:
        for row in seen.rows("revenue_of_channels"):
            yield from differing(
                seen,
                f"channels/{row['model']} in {row['window_days']} days",
                f"the channels of {row['model']} have {{}} revenue than there is",
                [(seen.as_of, float(row["reported_usd"] or 0), float(row["revenue_usd"]))],
            )
    if "rpt_executive_kpis" in seen.tables:
        months = seen.rows("revenue_by_month")
        pairs = [pair(row, "reported_usd", "revenue_usd") for row in months]
        yield from differing(seen, PAGE, "the executive page shows {} revenue than there is", pairs)
    count = sum(orders for orders, _ in conversions.values())
    yield Finding(
        "",
        "ok",
        f"{plural(count, 'order is', 'orders are')} in the marts as in the shop, to the cent",
    )


def pair(row: Mapping[str, Any], found: str, wanted: str) -> Pair:
    """Return two columns of a row with its day."""
    return row["day"], float(row[found] or 0), float(row[wanted] or 0)


def nearest_shop(seen: Look, conversions: Orders) -> Orders:
    """Return the orders of the shop that the marts read: the one with most days alike."""
    shops = [
        totals(seen.rows("orders_by_day", seen.as_of, table=table))
        for table in SHOPS
        if table in seen.tables
    ]
    if not shops:
        raise NotKnownError(f"there is no table {' or '.join(SHOPS)}", "build the shop's models")
    return max(shops, key=lambda shop: len(shop.items() & conversions.items()))


def totals(rows: Iterable[Mapping[str, Any]]) -> Orders:
    """Return orders and their total by day and currency."""
    return {
        (row["day"], str(row["currency"])): (int(row["orders"]), round(float(row["total"]), 2))
        for row in rows
    }


def miscounted(shop: Orders, conversions: Orders) -> Iterator[Finding]:
    """Yield a finding where totals agree and orders are not as many: some cost nothing."""
    wrong = [
        (day, conversions[day, currency][0], shop[day, currency][0])
        for day, currency in sorted(shop.keys() & conversions.keys())
        if abs(conversions[day, currency][1] - shop[day, currency][1]) <= 0.01
        and conversions[day, currency][0] != shop[day, currency][0]
    ]
    if not wrong:
        return
    found, wanted = sum(each[1] for each in wrong), sum(each[2] for each in wrong)
    size = sum(abs(each[1] - each[2]) for each in wrong)
    word = "fewer" if found < wanted else "more"
    yield Finding(
        COUNT,
        "failing",
        f"the marts hold {plural(size, f'{word} order')} than the shop, of the same total"
        f" ({found:,} of {wanted:,} on {days_of(wrong)})",
        BUILD,
        value=found,
        lower=wanted,
        upper=wanted,
        since=wrong[0][0],
    )


def days_of(wrong: Sequence[Pair]) -> str:
    """Return how many days are wrong, in words."""
    return plural(len(wrong), "day")


def differing(seen: Look, subject: str, sentence: str, pairs: Iterable[Pair]) -> Iterator[Finding]:
    """Yield a finding where some pairs differ by more than is allowed."""
    allowed = seen.thresholds["tolerance_percent"] / 100
    wrong = [
        (day, found, wanted)
        for day, found, wanted in pairs
        if abs(found - wanted) > max(0.01, allowed * abs(wanted)) + 1e-6
    ]
    if not wrong:
        return
    found, wanted = sum(each[1] for each in wrong), sum(each[2] for each in wrong)
    size = sum(abs(each[1] - each[2]) for each in wrong)
    yield Finding(
        subject,
        "failing",
        sentence.format(f"{size:,.2f} {'less' if found < wanted else 'more'}")
        + f" ({found:,.2f} of {wanted:,.2f} on {days_of(wrong)})",
        BUILD,
        value=found,
        lower=wanted * (1 - allowed),
        upper=wanted * (1 + allowed),
        since=min(each[0] for each in wrong),
    )


CHECK = Check(
    name="reconciliation",
    title="orders and revenue are the shop's, to the cent",
    severity="page",
    tables=("fct_conversions",),
    look=look,
    thresholds={
        "tolerance_percent": Threshold(0.0, "Difference of a day that is allowed.", maximum=100),
        "days": Threshold(
            35, "Days of attribution that are added up.", minimum=1, maximum=MOST_DAYS
        ),
    },
)
