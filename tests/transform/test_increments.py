"""An increment of attribution is a full refresh that works out only what has changed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from histories import CREDITS, compiled, random_history, write_history
from rule_based import (
    PAID,
    WINDOWS_DAYS,
    Conversion,
    Touch,
    assert_same,
    attribute,
    is_direct,
    path_of,
)
from small_warehouse import SCHEMA, Warehouse

pytestmark = pytest.mark.system
HISTORIES = 30
Change = Callable[[random.Random, list[Touch], list[Conversion]], None]


def a_new_touch(rng: random.Random, touches: list[Touch], conversions: list[Conversion]) -> None:
    """Add a late row: a touch an hour before a conversion."""
    one = rng.choice(conversions)
    touches.append(
        Touch(f"{one.conversion_id}-late", one.person_key or "nobody", 9, one.converted_at - HOUR)
    )


HOUR = timedelta(hours=1)


def a_lost_touch(rng: random.Random, touches: list[Touch], _: list[Conversion]) -> None:
    """Take a touch away: a bot that was found out, or an erased person."""
    if touches:
        touches.remove(rng.choice(touches))


def another_channel(rng: random.Random, touches: list[Touch], _: list[Conversion]) -> None:
    """Call a visit otherwise: a changed rule."""
    if touches:
        one = rng.choice(touches)
        touches[touches.index(one)] = replace(one, channel="display")


def another_person(rng: random.Random, touches: list[Touch], _: list[Conversion]) -> None:
    """Give a touch to another person: a login was seen."""
    if touches:
        one = rng.choice(touches)
        other = one.person_key[:-1] + ("q" if one.person_key.endswith("p") else "p")
        touches[touches.index(one)] = replace(one, person_key=other)


def a_refusal(rng: random.Random, _: list[Touch], conversions: list[Conversion]) -> None:
    """Take the name from a conversion."""
    one = rng.choice(conversions)
    conversions[conversions.index(one)] = replace(one, person_key=None)


def a_refund(rng: random.Random, _: list[Touch], conversions: list[Conversion]) -> None:
    """Give a part back."""
    one = rng.choice(conversions)
    less = one.revenue_usd - Decimal("0.01")
    conversions[conversions.index(one)] = replace(one, revenue_usd=less)


def a_whole_refund(rng: random.Random, _: list[Touch], conversions: list[Conversion]) -> None:
    """Give all of it back."""
    one = rng.choice(conversions)
    conversions[conversions.index(one)] = replace(one, is_refunded=True)


def a_lost_conversion(rng: random.Random, _: list[Touch], conversions: list[Conversion]) -> None:
    """Take a conversion away."""
    if len(conversions) > 1:
        conversions.remove(rng.choice(conversions))


def a_new_conversion(rng: random.Random, _: list[Touch], conversions: list[Conversion]) -> None:
    """Add a conversion of today."""
    one = rng.choice(conversions)
    conversions.append(
        replace(one, conversion_id=f"{one.conversion_id}-new", converted_at=one.converted_at + HOUR)
    )


def nothing(_: random.Random, __: list[Touch], ___: list[Conversion]) -> None:
    """Change nothing."""


CHANGES: tuple[Change, ...] = (
    a_new_touch, a_lost_touch, another_channel, another_person, a_refusal, a_refund,
    a_whole_refund, a_lost_conversion, a_new_conversion, nothing,
)  # fmt: skip


def inputs(touches: list[Touch], conversions: list[Conversion]) -> dict[str, Any]:
    """Return all that the credit of each conversion depends on."""
    widest = max(WINDOWS_DAYS)
    # a person by the touches, of a channel whether it is paid and whether it is direct
    alike = [
        replace(touch, channel=f"{touch.channel in PAID} {is_direct(touch.channel)}")
        for touch in touches
    ]
    return {
        one.conversion_id: (replace(one, person_key=None), path_of(alike, one, widest))
        for one in conversions
    }


def test_an_increment_equals_a_full_refresh_and_works_out_only_what_changed(
    built: Warehouse, tmp_path: Path
) -> None:
    rng = random.Random(20261128)
    touches, conversions = [], []
    changed_touches: list[Touch] = []
    changed_conversions: list[Conversion] = []
    for number in range(HISTORIES):
        some_touches, some_conversions = random_history(rng, f"h{number}-")
        touches += some_touches
        conversions += some_conversions
        CHANGES[number % len(CHANGES)](rng, some_touches, some_conversions)
        changed_touches += some_touches
        changed_conversions += some_conversions
    for name in ("raw.duckdb", "wh.duckdb"):
        shutil.copy(built.folder / name, tmp_path / name)
    shutil.copytree(built.target, tmp_path / "target")
    warehouse = Warehouse(tmp_path, built.rows)
    with duckdb.connect(str(tmp_path / "wh.duckdb")) as connection:
        connection.execute(f"use wh.{SCHEMA}")
        write_history(connection, touches, conversions)
        sql = compiled(built.target, "int_attribution__credits")
        connection.execute(f"create or replace table int_attribution__credits as {sql}")
        # what is not worked out again keeps this mark
        connection.execute("update int_attribution__credits set seconds_to_conversion = -1")
        write_history(connection, changed_touches, changed_conversions)
    result = warehouse.run_dbt("run", "--select", "int_attribution__credits")
    assert result.returncode == 0, result.stdout[-3000:]
    expected = attribute(changed_touches, changed_conversions)
    assert_same(expected, changed_conversions, warehouse.query(CREDITS))
    before = inputs(touches, conversions)
    after = inputs(changed_touches, changed_conversions)
    kept = {name for name, value in after.items() if before.get(name) == value}
    marked = warehouse.query(
        "select distinct conversion_id from int_attribution__credits"
        " where seconds_to_conversion = -1"
    )
    assert {name for (name,) in marked} == kept
    assert 10 < len(after) - len(kept) < len(after) / 2
