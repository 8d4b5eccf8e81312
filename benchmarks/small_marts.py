"""Marts of a small shop, by hand: 120 days, four channels, two models; no dbt is needed."""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

FIRST, DAYS = date(2026, 7, 4), 120
LAST = FIRST + timedelta(days=DAYS - 1)
CHANNELS = (
    ("paid_search", "Paid search", True), ("paid_social", "Paid social", True),
    ("email", "E-mail", False), ("unattributed", "Unattributed", False),
)  # fmt: skip
PLATFORMS = {"paid_search": "google_ads", "paid_social": "meta_ads"}
MODELS, WINDOWS = ("linear", "position_based"), (7, 30)
TABLES = {
    "fct_conversions": "conversion_date date, conversion_type varchar, revenue_usd decimal(18, 2)",
    "fct_campaign_performance": "platform varchar, campaign_id varchar, campaign_name varchar,"
    " channel varchar, performance_date date, impressions bigint, clicks bigint,"
    " spend_usd decimal(18, 2), claimed_conversions decimal(18, 6),"
    " claimed_value_usd decimal(18, 2)",
    "rpt_attribution_days": "day_kind varchar, day_date date, channel varchar, has_spend boolean,"
    " conversion_type varchar, window_days integer, model varchar, credit decimal(38, 12),"
    " revenue_usd decimal(18, 2)",
    "dim_channels": "channel varchar, channel_name varchar, is_paid boolean, sort_order integer",
    "int_calendar__as_of": "as_of_date date, reporting_currency varchar",
    "int_calendar__exchange_rates": "currency varchar, rate_date date, usd_per_unit decimal(18, 4),"
    " valid_until_date date",
    "rpt_executive_kpis": "kpi_month date, metric varchar, plan_value decimal(18, 4)",
    "rpt_lifetime_value": "cohort_month date, acquisition_channel varchar, customers bigint,"
    " value_365d_usd decimal(18, 2), prediction_date date, shown_model varchar, is_merged boolean, "
    + ", ".join(
        f"{name} decimal(18, 2)"
        for days in (30, 90, 180, 365)
        for name in (
            f"expected_revenue_{days}d_usd", f"revenue_{days}d_low_usd",
            f"revenue_{days}d_high_usd",
        )
    ),
}  # fmt: skip


def write_marts(path: Path, *, days: int = DAYS, seed: int = 1, currency: str = "USD") -> Path:
    """Write the marts into a new DuckDB file and return its path; no day, no row.

    The same amounts are of `currency`.
    """
    connection = duckdb.connect(str(path))
    connection.execute("create schema marts; use marts")
    for table, columns in TABLES.items():
        connection.execute(f"create table {table} ({columns})")
    for table, rows in rows_of(days, random.Random(seed), currency).items():
        # rows one by one cost a hundred times as much
        file = path.with_name(f"{table}.csv")
        with file.open("w", newline="") as text:
            csv.writer(text).writerows(rows)
        connection.execute(
            f"copy {table} from '{file}' (format csv, header false, auto_detect false)"
        )
        file.unlink()
    connection.close()
    return path


def rows_of(days: int, chance: random.Random, currency: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table."""
    dates = [FIRST + timedelta(days=number) for number in range(days)]
    last = dates[-1] if dates else FIRST
    months = sorted({day.replace(day=1) for day in dates})
    conversions = [
        (day, chance.choice(("first_order", "repeat_order")), chance.randrange(100, 20_000) / 100)
        for day in dates
        for _ in range(chance.randrange(1, 9))
    ]
    spend = [
        (
            platform, f"{channel}-{number}", f"Campaign {number}", channel, day, 1000, 20,
            chance.randrange(0, 9_000) / 100, chance.randrange(0, 5),
            chance.randrange(0, 30_000) / 100,
        )
        for channel, platform in PLATFORMS.items()
        for number in (1, 2)
        for day in dates[number * 7 :]
    ]  # fmt: skip
    credit = [
        (kind, day, channel, channel in PLATFORMS and chance.random() < 0.8, of, window, model,
         chance.randrange(1, 4), chance.randrange(0, 9_000) / 100)
        for kind in ("conversion", "touch")
        for model in MODELS
        for window in WINDOWS
        for day in dates
        for channel, *_ in CHANNELS
        for of in ("first_order", "repeat_order")
        if chance.random() < 0.7
    ]  # fmt: skip
    return {
        "fct_conversions": conversions,
        "fct_campaign_performance": spend,
        "rpt_attribution_days": credit,
        "dim_channels": [(*channel, place) for place, channel in enumerate(CHANNELS)],
        "int_calendar__as_of": [(last, currency)],
        "int_calendar__exchange_rates": [
            (code, last, rate, last)
            for code, rate in (("EUR", 1.08), ("JPY", 0.0067), ("KWD", 3.25), ("USD", 1))
        ],
        "rpt_executive_kpis": [
            (month, metric, value)
            for month in months
            for metric, value in (("spend_usd", 4000), ("roas", 3.5), ("new_customers", 60))
        ],
        "rpt_lifetime_value": [
            (
                month, "email", 40, 1234.5, last, "bg_nbd", False,
                *(part * days for days in (30, 90, 180, 365) for part in (4, 3, 5)),
            )
            for month in months
        ],
    }  # fmt: skip
