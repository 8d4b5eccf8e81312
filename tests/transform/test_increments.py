"""An increment of attribution is a full refresh that works out only what has changed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from histories import CREDITS, random_history, write_history
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
MODEL = "int_attribution__credits"
SEEN = "int_attribution__seen_touches"
# what is not worked out again keeps this mark
MARKED = "seconds_to_conversion = -1"
MARK = f"update {MODEL} set {MARKED}"
HISTORIES = 30
Change = Callable[[random.Random, list[Touch], list[Conversion]], None]


def a_new_touch(rng: random.Random, touches: list[Touch], conversions: list[Conversion]) -> None:
    """Add a late row: a touch an hour before a conversion."""
    one = rng.choice(conversions)
    touches.append(
        Touch(
            f"{one.conversion_id}-{rng.randrange(10**9)}",
            one.person_key or "nobody",
            9,
            one.converted_at - HOUR,
        )
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
        replace(
            one,
            conversion_id=f"{one.conversion_id}-{rng.randrange(10**9)}",
            converted_at=one.converted_at + HOUR,
        )
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
    # of a channel whether it is paid and whether it is direct
    alike = [
        replace(touch, channel=f"{touch.channel in PAID} {is_direct(touch.channel)}")
        for touch in touches
    ]
    return {one.conversion_id: (one, path_of(alike, one, widest)) for one in conversions}


JANUARY = datetime(2026, 1, 20, 12)
# nothing changes about these two; that nobody looks at them shows when their signatures are
# exchanged: whoever looks finds them wrong
QUIET = (
    [Touch(f"quiet-{n}", f"quiet-{n}", 1, JANUARY - n * HOUR, "email") for n in (1, 2)],
    [
        Conversion(f"quiet-{n}", f"quiet-{n}", JANUARY, Decimal(10), is_refunded=False)
        for n in (1, 2)
    ],
)
SWAP = f"""
update {MODEL} set touch_signature = other.touch_signature
from {MODEL} as other
where {MODEL}.conversion_id like 'quiet-%' and other.conversion_id like 'quiet-%'
    and {MODEL}.conversion_id <> other.conversion_id
    and {MODEL}.touch_signature is not null and other.touch_signature is not null
"""


@pytest.fixture
def own(built: Warehouse, tmp_path: Path) -> Warehouse:
    """Return a copy of the built warehouse, for a test that writes."""
    for name in ("raw.duckdb", "wh.duckdb"):
        shutil.copy(built.folder / name, tmp_path / name)
    shutil.copytree(built.target, tmp_path / "target")
    return Warehouse(tmp_path, built.rows)


def execute(warehouse: Warehouse, *statements: str) -> None:
    """Run statements in the built schema."""
    with duckdb.connect(str(warehouse.folder / "wh.duckdb")) as connection:
        connection.execute(f"use wh.{SCHEMA}")
        for statement in statements:
            connection.execute(statement)


def write(warehouse: Warehouse, touches: list[Touch], conversions: list[Conversion]) -> None:
    """Put a history into the place of the one that is there."""
    with duckdb.connect(str(warehouse.folder / "wh.duckdb")) as connection:
        connection.execute(f"use wh.{SCHEMA}")
        write_history(connection, touches, conversions)


def run(warehouse: Warehouse, *options: str) -> None:
    """Let dbt build the credits."""
    result = warehouse.run_dbt("run", "--select", MODEL, *options)
    assert result.returncode == 0, result.stdout[-3000:]


def kept(warehouse: Warehouse) -> set[str]:
    """Return the conversions that were not worked out again."""
    rows = warehouse.query(f"select distinct conversion_id from {MODEL} where {MARKED}")
    return {name for (name,) in rows}


def test_an_increment_equals_a_full_refresh_and_works_out_only_what_changed(
    own: Warehouse,
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
    for history_touches, history_conversions in (
        (touches, conversions),
        (changed_touches, changed_conversions),
    ):
        history_touches += QUIET[0]
        history_conversions += QUIET[1]
    write(own, touches, conversions)
    run(own, "--full-refresh")
    execute(own, MARK, SWAP)
    write(own, changed_touches, changed_conversions)
    run(own)
    expected = attribute(changed_touches, changed_conversions)
    assert_same(expected, changed_conversions, own.query(CREDITS))
    before = inputs(touches, conversions)
    after = inputs(changed_touches, changed_conversions)
    same = {name for name, value in after.items() if before.get(name) == value}
    assert kept(own) == same
    assert 10 < len(after) - len(same) < len(after) / 2


BROKEN = {
    "nothing is broken": "select 1",
    "its table is gone": f"drop table {SEEN}",
    "broken off between the two statements that note": f"delete from {SEEN} where is_noted",
    "broken off after it had looked": f"insert into {SEEN} select * replace (false as is_noted)"
    f" from {SEEN}",
    "the credits of another build": f"""
        create or replace table {MODEL} as select * replace (
            touch_signature + 1 as touch_signature,
            last_touch_revenue_usd + 1 as last_touch_revenue_usd
        ) from {MODEL}
    """,
}


@pytest.mark.slow
@pytest.mark.parametrize("broken", BROKEN)
def test_a_chain_of_increments_is_right_whatever_was_broken_in_between(
    own: Warehouse, broken: str
) -> None:
    rng = random.Random(broken)
    touches, conversions = random_history(rng)
    for number in range(3):
        some_touches, some_conversions = random_history(rng, f"h{number}-")
        touches += some_touches
        conversions += some_conversions
    write(own, touches, conversions)
    run(own, "--full-refresh")
    for _ in range(4):
        for change in rng.sample(CHANGES, 3):
            change(rng, touches, conversions)
        write(own, touches, conversions)
        execute(own, BROKEN[broken])
        run(own)
        assert_same(attribute(touches, conversions), conversions, own.query(CREDITS))
        seen = own.query(f"select bool_and(is_noted), count(distinct until_at) from {SEEN}")
        assert seen == [(True, 1)]
