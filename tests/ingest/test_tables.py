from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing_analytics.ingest.engine.tables import (
    DELETED,
    MisfitError,
    Table,
    build,
    finish,
    pluck,
    tombstones,
    within,
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
        "value": "money",
        "note": "text",
        "seen_at": "time",
    },
    key=("account_id", "date", "ad_id"),
    mode="parts",
    part_by=("account_id", "date"),
    required=("spend",),
)
ROW = {
    "account_id": "1",
    "date": "2026-05-01",
    "ad_id": "a",
    "clicks": "3",
    "spend": "1.10",
    "conversions": "1.5",
    "value": "9.90",
    "note": None,
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
            "value": Decimal("9.90"),
            "note": None,
            "seen_at": datetime(2026, 5, 1, 8, tzinfo=UTC),
        }
    ]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("spend", "n/a", "spend is not a money"),
        ("spend", "1.005", "spend is not a money"),
        ("spend", "", "spend is not a money"),
        ("date", "yesterday", "date is not a date"),
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
    assert [(row.table_name, row.column_name) for row in rejected] == [("facts", "")]
    assert rejected[0].reason.startswith(reason)
    assert '"account_id":"2"' in rejected[0].raw_json


@pytest.mark.parametrize(
    ("column", "value", "kept", "reason"),
    [
        ("value", "149.9700000001", Decimal("149.97"), "rounded to 149.97"),
        ("value", "19.999", Decimal("20.00"), "rounded to 20.00"),
        ("value", "33.333333", Decimal("33.33"), "rounded to 33.33"),
        ("value", "-0.005", Decimal("-0.01"), "rounded to -0.01"),
        ("value", "", None, "left empty"),
        ("value", "1e40", None, "left empty"),
        ("value", "NaN", None, "left empty"),
        ("value", [1], None, "left empty"),
        ("clicks", "1.5", None, "left empty"),
        ("clicks", 1.5, None, "left empty"),
        ("clicks", "99999999999999999999", None, "left empty"),
        ("seen_at", "soon", None, "left empty"),
        ("note", {"a": 1}, None, "left empty"),
    ],
)
def test_a_value_that_does_not_fit_costs_no_row(column, value, kept, reason):
    bad = ROW | {"account_id": "2", column: value}
    table, rejected = built_from(ROW, bad, ROW | {"ad_id": "b"})
    assert table.num_rows == 3
    assert table.column(column).to_pylist()[1] == kept
    assert [(row.column_name, row.reason.rpartition(", ")[2]) for row in rejected] == [
        (column, reason)
    ]


def test_when_most_rows_do_not_fit_the_answer_is_refused():
    rows = [ROW | {"ad_id": str(n), "spend": "n/a" if n < 4 else "1"} for n in range(6)]
    with pytest.raises(MisfitError, match="4 of 6 rows of facts do not fit: spend is not a money"):
        built_from(*rows)
    assert built_from(*rows[1:], ROW)[0].num_rows == 3


def test_a_value_that_fits_in_no_row_costs_no_row():
    rows = [ROW | {"ad_id": str(n), "clicks": "n/a"} for n in range(6)]
    table, rejected = built_from(*rows)
    assert (table.num_rows, table.column("clicks").null_count, len(rejected)) == (6, 6, 6)


def test_rows_that_are_all_unfit_are_refused_however_few():
    with pytest.raises(MisfitError, match="1 of 1 rows"):
        built_from(ROW | {"spend": "n/a"})


def test_rows_of_what_was_not_asked_for_are_rejected():
    rows = [ROW, ROW | {"account_id": "9"}, ROW | {"date": "2020-01-01"}]
    table, strange = within(FACTS, built_from(*rows)[0], [("1", date(2026, 5, 1))])
    assert table.num_rows == 1
    assert {row.reason for row in strange} == {"it was not asked for: another day or account"}
    assert len(strange) == 2


def test_a_rejected_row_has_the_same_id_in_every_run():
    bad = ROW | {"spend": "n/a", "ad_id": "b"}
    _, first = built_from(ROW, bad)
    _, second = built_from(ROW, dict(reversed(bad.items())))
    assert first[0].as_row()["rejected_id"] == second[0].as_row()["rejected_id"]


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
    [marked] = tombstones(FACTS, table, parts)
    found = [(row["account_id"], row["date"], row[DELETED]) for row in marked.to_pylist()]
    assert found == [("1", date(2026, 5, 2), True), ("1", date(2026, 5, 3), True)]


def test_what_is_loaded_has_the_declared_columns_in_their_order():
    table, _ = built_from(ROW)
    loaded_at = datetime(2026, 11, 1, tzinfo=UTC)
    names = finish(FACTS, table, loaded_at).schema.names
    assert names == [*FACTS.columns, "_loaded_at", "_is_deleted"]
