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


def in_its_own_time(
    number: int, touches: list[Touch], conversions: list[Conversion]
) -> tuple[list[Touch], list[Conversion]]:
    """Move a history to where no window reaches into another one."""
    later = timedelta(days=400 * number)
    return (
        [replace(one, touched_at=one.touched_at + later) for one in touches],
        [replace(one, converted_at=one.converted_at + later) for one in conversions],
    )


Histories = list[tuple[list[Touch], list[Conversion]]]


def changed(rng: random.Random, histories: Histories, first: int) -> Histories:
    """Return the histories with one change in each."""
    result = []
    for number, (touches, conversions) in enumerate(histories):
        one = (list(touches), list(conversions))
        CHANGES[(first + number) % len(CHANGES)](rng, *one)
        result.append(one)
    return result


def joined(histories: Histories) -> tuple[list[Touch], list[Conversion]]:
    """Return all touches and all conversions."""
    touches = [touch for some, _ in histories for touch in some]
    return touches, [conversion for _, some in histories for conversion in some]


def kept(before: Histories, after: Histories) -> set[str]:
    """Return the conversions whose credit depends on what it did before."""
    known = inputs(*joined(before))
    return {name for name, value in inputs(*joined(after)).items() if known.get(name) == value}


def mark(connection: Any) -> None:
    """Mark all credit; what is worked out again loses the mark."""
    connection.execute(
        "update int_attribution__credits set seconds_to_conversion = -1 where touch_position >= 0"
    )


MARKED = (
    "select distinct conversion_id from int_attribution__credits where seconds_to_conversion < 0"
)


def increment(warehouse: Warehouse, histories: Histories) -> set[str]:
    """Run dbt after a change, compare with a calculation; return what was not worked out again."""
    with duckdb.connect(str(warehouse.folder / "wh.duckdb")) as connection:
        connection.execute(f"use wh.{SCHEMA}")
        mark(connection)
        write_history(connection, *joined(histories))
    result = warehouse.run_dbt("run", "--select", "int_attribution__credits")
    assert result.returncode == 0, result.stdout[-3000:]
    touches, conversions = joined(histories)
    assert_same(attribute(touches, conversions), conversions, warehouse.query(CREDITS))
    return {name for (name,) in warehouse.query(MARKED)}


def test_an_increment_equals_a_full_refresh_and_works_out_only_what_changed(
    built: Warehouse, tmp_path: Path
) -> None:
    rng = random.Random(20261128)
    histories = [
        in_its_own_time(number, *random_history(rng, f"h{number}-")) for number in range(HISTORIES)
    ]
    for name in ("raw.duckdb", "wh.duckdb"):
        shutil.copy(built.folder / name, tmp_path / name)
    shutil.copytree(built.target, tmp_path / "target")
    warehouse = Warehouse(tmp_path, built.rows)
    with duckdb.connect(str(tmp_path / "wh.duckdb")) as connection:
        connection.execute(f"use wh.{SCHEMA}")
        write_history(connection, *joined(histories))
        sql = compiled(built.target, "int_attribution__credits")
        connection.execute(f"create or replace table int_attribution__credits as {sql}")
    a_day_later = changed(rng, histories, 0)
    assert increment(warehouse, a_day_later) == kept(histories, a_day_later)
    a_week_later = changed(rng, a_day_later, 3)
    count = len(joined(a_week_later)[1])
    assert 10 < count - len(kept(a_day_later, a_week_later)) < count / 2
    # a run leaves alone what lies in days that have not changed, whatever is wrong with it
    unchanged = [a == b for a, b in zip(a_day_later, a_week_later, strict=True)]
    alone = [
        conversion
        for a, (_, some) in zip(unchanged, a_week_later, strict=True)
        if a
        for conversion in some
    ]
    assert alone
    with duckdb.connect(str(tmp_path / "wh.duckdb")) as connection:
        connection.execute(f"use wh.{SCHEMA}")
        connection.executemany(
            "update int_attribution__credits set signature = signature + 1 where conversion_id = ?",
            [(one.conversion_id,) for one in alone],
        )
    assert increment(warehouse, a_week_later) == kept(a_day_later, a_week_later)
    # a rule that changes for all of them bears on all days: which channels are paid. It finds what
    # was wrong as well
    with duckdb.connect(str(tmp_path / "wh.duckdb")) as connection:
        connection.execute(f"use wh.{SCHEMA}")
        sql = compiled(warehouse.target, "int_attribution__credits")
        work = f"select distinct conversion_id from ({sql}) where touch_position >= 0"
        assert connection.execute(work).fetchall() == []
        connection.execute("update dim_channels set is_paid = true where channel = 'email'")
        again = {name for (name,) in connection.execute(work).fetchall()}
    emailed = [touch for touch in joined(a_week_later)[0] if touch.channel == "email"]
    assert again == {
        one.conversion_id
        for one in joined(a_week_later)[1]
        if one in alone or path_of(emailed, one, max(WINDOWS_DAYS))
    }
    # a touch of no time has no day; one of a year of five digits has one like any other
    with duckdb.connect(str(tmp_path / "wh.duckdb")) as connection:
        connection.execute(f"use wh.{SCHEMA}")
        connection.execute(
            "insert into fct_touchpoints (touchpoint_id, person_key, touched_at) values"
            " ('timeless', 'nobody', null), ('late', 'nobody', timestamp '12026-01-02 03:04:05')"
        )
        days = f"select * from ({sql}) where touch_position = -1"
        written = f"select conversion_id from ({days})"
        assert ("12026-01-02 touches",) in connection.execute(written).fetchall()
        connection.execute(
            f"create temp table seen as {days}; delete from int_attribution__credits"
            " where conversion_id in (select conversion_id from seen);"
            " insert into int_attribution__credits from seen"
        )
        assert connection.execute(written).fetchall() == []
