from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing_analytics.ingest.engine.tables import (
    DELETED,
    Table,
    build,
    finish,
    pluck,
    tombstones,
)

FACTS = Table(
    "facts",
    {
        "account_id": "text",
        "date": "date",
        "ad_id": "text",
        "clicks": "count",
        "spend": "money",
        "conversions": "fraction",
        "seen_at": "time",
    },
    key=("account_id", "date", "ad_id"),
    mode="parts",
    part_by=("account_id", "date"),
)
ROW = {
    "account_id": "1",
    "date": "2026-05-01",
    "ad_id": "a",
    "clicks": "3",
    "spend": "1.10",
    "conversions": "1.5",
    "seen_at": "2026-05-01T10:00:00+0200",
}


def built_from(*rows):
    return build(FACTS, pluck(rows, {name: name for name in FACTS.columns}), rows)


def test_text_becomes_the_declared_types():
    table, rejected = built_from(ROW)
    assert rejected == []
    assert table.to_pylist() == [
        {
            "account_id": "1",
            "date": date(2026, 5, 1),
            "ad_id": "a",
            "clicks": 3,
            "spend": Decimal("1.10"),
            "conversions": Decimal("1.500000"),
            "seen_at": datetime(2026, 5, 1, 8, tzinfo=UTC),
        }
    ]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("spend", "n/a", "spend is not a money"),
        ("spend", "1.005", "spend is not a money"),
        ("spend", "", "spend is not a money"),
        ("clicks", "1.5", "clicks is not a count"),
        ("clicks", 1.5, "clicks is not a count"),
        ("date", "yesterday", "date is not a date"),
        ("seen_at", "soon", "seen_at is not a time"),
        ("ad_id", {"id": 1}, "ad_id is not a text"),
        ("ad_id", None, "ad_id is missing"),
        ("date", None, "date is missing"),
    ],
)
def test_a_row_that_does_not_fit_is_rejected_with_its_reason_and_the_others_stay(
    column, value, reason
):
    bad = ROW | {"account_id": "2", column: value}
    table, rejected = built_from(ROW, bad, ROW | {"ad_id": "b"})
    assert table.column("ad_id").to_pylist() == ["a", "b"]
    assert [row.table_name for row in rejected] == ["facts"]
    assert rejected[0].reason.startswith(reason)
    assert '"account_id":"2"' in rejected[0].raw_json


def test_a_rejected_row_has_the_same_id_in_every_run():
    bad = ROW | {"spend": "n/a"}
    _, first = built_from(bad)
    _, second = built_from(dict(reversed(bad.items())))
    assert first[0].rejected_id == second[0].rejected_id


def test_a_double_is_rounded_half_up_to_six_decimals():
    table, _ = built_from(ROW | {"conversions": "1.3333333333333333"})
    assert table.column("conversions").to_pylist() == [Decimal("1.333333")]
    table, _ = built_from(ROW | {"conversions": "0.0000005"})
    assert table.column("conversions").to_pylist() == [Decimal("0.000001")]


def test_never_is_an_empty_time_and_a_time_without_zone_is_utc():
    table, rejected = built_from(
        ROW | {"seen_at": ""}, ROW | {"ad_id": "b", "seen_at": "2026-05-01 10:00:00"}
    )
    assert rejected == []
    assert table.column("seen_at").to_pylist() == [None, datetime(2026, 5, 1, 10, tzinfo=UTC)]


def test_times_with_and_without_zone_may_be_mixed():
    table, rejected = built_from(ROW, ROW | {"ad_id": "b", "seen_at": "2026-05-01 10:00:00"})
    assert rejected == []
    hours = [value.hour for value in table.column("seen_at").to_pylist()]
    assert hours == [8, 10]


def test_of_a_key_given_twice_the_last_row_stays():
    table, _ = built_from(ROW, ROW | {"ad_id": "b"}, ROW | {"clicks": "9"})
    rows = {(row["ad_id"], row["clicks"]) for row in table.to_pylist()}
    assert rows == {("a", 9), ("b", 3)}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 10**12)), max_size=30))
def test_money_of_any_size_is_exact(spent):
    rows = [
        ROW | {"ad_id": f"{ad}{index}", "spend": f"{cents // 100}.{cents % 100:02d}"}
        for index, (ad, cents) in enumerate(spent)
    ]
    table, rejected = built_from(*rows)
    assert rejected == []
    total = sum(table.column("spend").to_pylist(), Decimal(0))
    assert total * 100 == sum(cents for _, cents in spent)


def test_a_part_without_rows_gets_a_row_that_deletes_it():
    table, _ = built_from(ROW)
    parts = [("1", date(2026, 5, day)) for day in (1, 2, 3)]
    marked = tombstones(FACTS, table, parts)
    found = [(row["account_id"], row["date"], row[DELETED]) for row in marked.to_pylist()]
    assert found == [("1", date(2026, 5, 2), True), ("1", date(2026, 5, 3), True)]


def test_what_is_loaded_has_the_declared_columns_in_their_order():
    table, _ = built_from(ROW)
    loaded_at = datetime(2026, 11, 1, tzinfo=UTC)
    names = finish(FACTS, table, loaded_at).schema.names
    assert names == [*FACTS.columns, "_loaded_at", "_is_deleted"]
