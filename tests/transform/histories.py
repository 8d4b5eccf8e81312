"""Random touches and conversions, and what the compiled models make of them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rule_based import PAID, WINDOWS_DAYS, Conversion, Touch
from small_warehouse import SCHEMA

CHAIN = ("int_attribution__credits", "fct_attribution")
CHANNELS = ("paid_search", "paid_social", "email", "direct")
CREDITS = (
    "select conversion_id, model, window_days, touchpoint_id, credit, revenue_usd"
    " from fct_attribution"
)


def random_history(rng: random.Random, name: str = "") -> tuple[list[Touch], list[Conversion]]:
    """Return touches and conversions with ties, exact window ends, refunds and opt-outs."""
    noon = datetime(2026, 6, 30, 12)
    conversions = [
        Conversion(
            f"{name}c{number}",
            rng.choice([f"{name}p", f"{name}q", None]),
            noon + timedelta(hours=rng.randint(0, 400)),
            Decimal(rng.choice([0, 1, 2, 99, -7, rng.randint(-500, 100_000)])) / 100,
            rng.random() < 0.1,
        )
        for number in range(rng.randint(1, 5))
    ]
    touches = []
    for number in range(rng.randint(0, 14)):
        end = rng.choice(conversions).converted_at
        days = rng.choice([0, *WINDOWS_DAYS, rng.uniform(0, 120)])
        near = timedelta(seconds=rng.choice([-1, 0, 0, 1, 0.25]))
        touches.append(
            Touch(
                f"{name}t{number}",
                rng.choice([f"{name}p", f"{name}q"]),
                rng.randint(1, 3),
                end - timedelta(days=days) + near,
                rng.choice(CHANNELS),
            )
        )
    return touches, conversions


def write_history(connection: Any, touches: list[Touch], conversions: list[Conversion]) -> None:
    """Put touches and conversions into the place of those that are there."""
    connection.execute("delete from fct_touchpoints; delete from fct_conversions")
    for touch in touches:
        connection.execute(
            "insert into fct_touchpoints"
            " (touchpoint_id, person_key, ga_session_number, touched_at, channel)"
            " values (?, ?, ?, ?, ?)",
            [
                touch.touchpoint_id,
                touch.person_key,
                touch.session_number,
                touch.touched_at,
                touch.channel,
            ],
        )
    for conversion in conversions:
        connection.execute(
            "insert into fct_conversions (conversion_id, person_key, converted_at, revenue_usd,"
            " is_refunded, conversion_type) values (?, ?, ?, ?, ?, 'first_order')",
            [
                conversion.conversion_id,
                conversion.person_key,
                conversion.converted_at,
                conversion.revenue_usd,
                conversion.is_refunded,
            ],
        )


def compiled(target: Path, model: str) -> str:
    """Return the SQL of a model as dbt compiled it for a full build."""
    found = (target / "compiled").rglob(f"{model}.sql")
    (path,) = [file for file in found if ".yml" not in str(file)]
    return path.read_text(encoding="utf-8")


def credited(
    target: Path, touches: list[Touch], conversions: list[Conversion]
) -> list[tuple[Any, ...]]:
    """Return what the compiled models credit for given touches and conversions."""
    connection = duckdb.connect()
    connection.execute(f"attach ':memory:' as wh; create schema wh.{SCHEMA}; use wh.{SCHEMA}")
    connection.execute(
        "create table fct_touchpoints (touchpoint_id text, person_key text,"
        " ga_session_number bigint, touched_at timestamp, channel text, platform text,"
        " campaign_id text, touch_date date, consent_window_days integer)"
    )
    connection.execute(
        "create table fct_conversions (conversion_id text, person_key text,"
        " converted_at timestamp, revenue_usd decimal(18, 2), is_refunded boolean,"
        " conversion_type text, conversion_date date)"
    )
    connection.execute("create table dim_channels (channel text, is_paid boolean)")
    for channel in CHANNELS:
        connection.execute("insert into dim_channels values (?, ?)", [channel, channel in PAID])
    write_history(connection, touches, conversions)
    for model in CHAIN:
        connection.execute(f"create table {model} as {compiled(target, model)}")
    rows: list[tuple[Any, ...]] = connection.execute(CREDITS).fetchall()
    return rows
