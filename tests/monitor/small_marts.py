"""Small marts of twelve weeks, in DuckDB or PostgreSQL, by plain SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

AS_OF = date(2026, 10, 31)
DAYS = 84
CHANNELS = ("paid_search", "paid_social", "direct", "organic_search")
MODELS = ("linear", "last_touch")
TABLES = {
    "int_calendar__as_of": "as_of_date date, reporting_currency varchar(3)",
    "fct_ad_spend": "platform varchar(40), account_id varchar(40), campaign_id varchar(40),"
    " report_date date, spend decimal(18, 2), spend_usd decimal(18, 2)",
    "int_ads__daily": "platform varchar(40), account_id varchar(40), campaign_id varchar(40),"
    " report_date date, spend decimal(18, 2)",
    "dim_campaigns": "platform varchar(40), account_id varchar(40), campaign_id varchar(40),"
    " campaign_name varchar(40), campaign_status varchar(40), channel varchar(40)",
    "fct_touchpoints": "touchpoint_id varchar(40), channel varchar(40), platform varchar(40),"
    " campaign_id varchar(40), touch_date date",
    "fct_conversions": "conversion_id varchar(40), currency varchar(3), order_total decimal(18, 2),"
    " revenue_usd decimal(18, 2), is_refunded boolean, is_tracked boolean, is_opted_out boolean,"
    " conversion_date date",
    "stg_shop__orders": "order_id varchar(40), currency varchar(3), order_total decimal(18, 2),"
    " order_date date",
    "stg_shop__planned_pauses": "pause_name varchar(40), platform varchar(40),"
    " campaign_id varchar(40), country varchar(40), first_date date, last_date date",
    "fct_attribution": "conversion_id varchar(40), model varchar(40), window_days integer,"
    " touch_position integer, touch_count integer, touchpoint_id varchar(40), channel varchar(40),"
    " credit decimal(18, 12), revenue_usd decimal(18, 2), is_own_window boolean,"
    " seconds_to_conversion double precision, conversion_date date",
    "rpt_budget_pacing": "platform varchar(40), campaign_id varchar(40), campaign_name varchar(40),"
    " is_current_month boolean, budget_usd decimal(18, 2), spend_usd decimal(18, 2),"
    " pacing double precision, counted_until_date date",
    "rpt_unmapped_traffic": "channel varchar(40), traffic_source varchar(40),"
    " traffic_medium varchar(40), reason varchar(40), sessions bigint, revenue_usd decimal(18, 2),"
    " first_session_date date, last_session_date date",
    "int_web__sessions": "session_id varchar(40), channel varchar(40), is_bot boolean,"
    " session_date date",
    "stg_ingest__freshness": "source varchar(40), report varchar(40), account_id varchar(40),"
    " campaign_id varchar(40), last_day date, last_row_day date, read_at timestamp",
    "rpt_lifetime_value_accuracy": "kind varchar(40), prediction_date date, horizon_days integer,"
    " customers bigint, purchases_bias double precision, revenue_usd double precision,"
    " revenue_bias double precision, revenue_mae_usd double precision,"
    " benchmark_revenue_mae_usd double precision, revenue_rmse_usd double precision,"
    " interval_coverage double precision",
}


def make_marts(connection: Any, schema: str) -> None:
    """Make the tables and fill them: every day alike, but for weekends."""
    connection.execute(f"create schema {schema}")
    for table, columns in TABLES.items():
        connection.execute(f"create table {schema}.{table} ({columns})")
        rows = list(ROWS[table]())
        for start in range(0, len(rows), 500):
            chunk = rows[start : start + 500]
            marks = ", ".join([f"({', '.join('?' * len(chunk[0]))})"] * len(chunk))
            values = [value for row in chunk for value in row]
            connection.execute(f"insert into {schema}.{table} values {marks}", values)


def days() -> Iterator[tuple[date, int]]:
    """Yield the days and how many of everything there is on each."""
    for back in range(DAYS - 1, -1, -1):
        day = AS_OF - timedelta(days=back)
        yield day, 6 if day.weekday() >= 5 else 10


def spend() -> Iterator[tuple[Any, ...]]:
    """Yield the spend of two campaigns of a platform and one of another."""
    for day, count in days():
        for platform, campaign in (("google_ads", "g1"), ("google_ads", "g2"), ("meta_ads", "m1")):
            yield platform, "a1", campaign, day, count, count


def touches() -> Iterator[tuple[Any, ...]]:
    """Yield the touches: the first channel has campaign g1."""
    for day, count in days():
        for number in range(count * 4):
            channel = CHANNELS[number % 4]
            paid = ("google_ads", "g1") if channel == "paid_search" else (None, None)
            yield f"t-{day}-{number}", channel, *paid, day


def credited() -> Iterator[tuple[Any, ...]]:
    """Yield the credit of orders with two touches each."""
    for day, count in days():
        for number in range(count):
            for model, first, last in (("linear", 0.5, 0.5), ("last_touch", 0, 1)):
                for position, credit in ((1, first), (2, last)):
                    if credit:
                        touch = (2 * number + position) % (count * 4)
                        yield (
                            f"c-{day}-{number}", model, 30, position, 2, f"t-{day}-{touch}",
                            CHANNELS[touch % 4], credit, 20 * credit, True,
                            86400.0 * (3 - position), day,
                        )  # fmt: skip


def orders() -> Iterator[tuple[date, int]]:
    """Yield the orders."""
    return ((day, number) for day, count in days() for number in range(count))


ROWS = {
    "int_calendar__as_of": lambda: [(AS_OF, "USD")],
    "fct_ad_spend": spend,
    "int_ads__daily": lambda: (row[:5] for row in spend()),
    "dim_campaigns": lambda: [
        ("google_ads", "a1", "g1", "Brand", "ENABLED", "paid_search"),
        ("google_ads", "a1", "g2", "Generic", "ENABLED", "paid_search"),
        ("meta_ads", "a1", "m1", "Lookalike", "ACTIVE", "paid_social"),
    ],
    "fct_touchpoints": touches,
    "fct_conversions": lambda: (
        (f"c-{day}-{n}", "USD", 20, 20, False, True, False, day) for day, n in orders()
    ),
    "stg_shop__orders": lambda: ((f"c-{day}-{n}", "USD", 20, day) for day, n in orders()),
    "stg_shop__planned_pauses": list,
    "fct_attribution": credited,
    "rpt_budget_pacing": lambda: [
        ("google_ads", "(all)", None, True, 560, 550, 0.98, AS_OF),
        ("google_ads", "g1", "Brand", True, 280, 275, 0.98, AS_OF),
    ],
    "rpt_unmapped_traffic": list,
    "int_web__sessions": lambda: (
        (f"s-{day}-{n}", "direct", False, day) for day, count in days() for n in range(count * 4)
    ),
    "stg_ingest__freshness": lambda: [
        ("google_ads", "", "", "", None, None, "2026-11-01 06:00:00"),
        ("google_ads", "campaign_stats", "a1", "", "2026-11-01", AS_OF, "2026-11-01 06:00:00"),
        ("shop", "", "", "", None, None, "2026-11-01 06:00:00"),
    ],
    "rpt_lifetime_value_accuracy": lambda: [
        ("hold_out", "2026-08-02", 90, 1000, 0.05, 30000, 0.02, 30, 60, 70, 0.82),
    ],
}
