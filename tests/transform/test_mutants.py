"""The machine of the mutation gate: what it makes wrong, and that it sees what a test sees."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path

import duckdb
import pytest
from small_warehouse import Warehouse

from benchmarks.mutants.__main__ import all_mutants, drawn, run
from benchmarks.mutants.descendants import Descendants
from benchmarks.mutants.edits import edits
from benchmarks.mutants.judged import Base, Mutant
from benchmarks.mutants.plans import are_planned_alike

MODEL = """
select
    -- sum(x) and <= of a comment stay
    a.day,
    count(*) as rows_seen,
    sum(coalesce(a.spend, 0)) over (partition by a.day, a.id order by a.at, a.id) as spend_usd,
    case when a.kind = 'brand' then 1 when a.kind is null then 2 else 3 end as kind
from {{ ref('a') }} as a
left join b on a.id = b.id
where a.spend >= 10 and not a.is_bot
"""


def test_each_kind_of_edit_changes_one_place() -> None:
    changes = {
        (edit.kind, MODEL[edit.start : edit.end].strip(), edit.after) for edit in edits(MODEL)
    }
    assert changes >= {
        ("operator", ">=", ">"),
        ("operator", "and", "or"),
        ("operator", "not", ""),
        ("join", "left join", "inner join"),
        ("filter", "a.spend >= 10 and not a.is_bot", "1 = 1"),
        ("filter", "a.spend >= 10 and not a.is_bot", "not (a.spend >= 10 and not a.is_bot)"),
        ("aggregate", "sum(", "max("),
        ("aggregate", "count(*)", "count(distinct 1)"),
        ("window", ", a.id", ""),
        ("window", "a.at", "a.at desc"),
        ("default", "0", "1"),
        ("default", "coalesce(a.spend, 0)", "(a.spend)"),
        ("case", "1 when a.kind is null then 2", " 2 when a.kind is null then 1 "),
        ("constant", "'brand'", "'brandx'"),
        ("constant", "10", "11"),
    }
    comment = MODEL.index("--"), MODEL.index("a.day")
    assert not [edit for edit in edits(MODEL) if comment[0] <= edit.start < comment[1]]
    assert all(edit.apply(MODEL) != MODEL for edit in edits(MODEL))


def test_a_seed_draws_the_same_mutants_of_every_kind_and_layer() -> None:
    mutants = all_mutants()
    drawn_twice = [list(islice(drawn(mutants, seed=1), 200)) for _ in range(2)]
    assert drawn_twice[0] == drawn_twice[1]
    assert len(set(drawn_twice[0])) == 200
    assert {one.edit.kind for one in drawn_twice[0]} == {one.edit.kind for one in mutants}
    assert {one.layer for one in drawn_twice[0]} == {"macros", "staging", "intermediate", "marts"}
    assert drawn_twice[0] != list(islice(drawn(mutants, seed=2), 200))


def test_a_mutant_is_told_by_the_text_it_was_found_in() -> None:
    # the file itself may have been written to since, or be gone
    (edit,) = (edit for edit in edits(MODEL) if edit.after == "inner join")
    mutant = Mutant("models/marts/gone.sql", edit, MODEL)
    assert str(mutant) == "transform/models/marts/gone.sql:9 join: `left join` -> `inner join`"


@pytest.mark.system
def test_data_tests_of_what_stands_on_a_changed_model_are_run(
    built: Warehouse, tmp_path: Path
) -> None:
    path = tmp_path / "wh.duckdb"
    shutil.copy(built.folder / "wh.duckdb", path)
    rebuilt = Descendants(built.folder)
    assert rebuilt.first_failure(path, ["int_orders__revenue"]) == (None, False)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update built.int_orders__revenue set is_first_order = true")
    failed, is_different = rebuilt.first_failure(path, ["int_orders__revenue"])
    assert failed == ("data test", "assert_first_orders_are_one_per_customer")
    assert is_different


@pytest.mark.system
def test_contracts_of_what_stands_on_a_changed_model_are_held(
    built: Warehouse, tmp_path: Path
) -> None:
    path = tmp_path / "wh.duckdb"
    shutil.copy(built.folder / "wh.duckdb", path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "alter table built.int_orders__revenue alter usd_per_unit type decimal(18, 2)"
        )
    rebuilt = Descendants(built.folder)
    failed, _ = rebuilt.first_failure(path, ["int_orders__revenue"])
    assert failed == ("build", "fct_conversions")
    assert "fct_conversions" in rebuilt.contracts


@pytest.mark.system
def test_models_in_python_are_trained_again_and_what_cannot_be_built_is_seen(
    built: Warehouse, tmp_path: Path
) -> None:
    path = tmp_path / "wh.duckdb"
    shutil.copy(built.folder / "wh.duckdb", path)
    rebuilt = Descendants(built.folder)
    customers = "select sum(customers) from built.int_value__fits"
    with duckdb.connect(str(path)) as connection:
        [(before,)] = connection.execute(customers).fetchall()
        connection.execute(
            "update built.int_value__distinct_histories set customers = 2 * customers"
        )
    rebuilt.first_failure(path, ["int_value__distinct_histories"])
    with duckdb.connect(str(path)) as connection:
        assert connection.execute(customers).fetchall() == [(2 * before,)]
        connection.execute("alter table built.int_value__distinct_histories drop frequency")
    failed, _ = rebuilt.first_failure(path, ["int_value__distinct_histories"])
    assert failed is not None
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create or replace view built.int_value__distinct_spends as select 1 as other"
        )
    # its own data tests apart: the model in Python below it
    rebuilt.ran = [one for one in rebuilt.ran if one[0]["resource_type"] == "model"]
    failed, _ = rebuilt.first_failure(path, ["int_value__distinct_spends"])
    assert failed == ("build", "int_value__fits")


@pytest.mark.system
@pytest.mark.slow
def test_mutants_are_caught_or_not_counted(built: Warehouse, tmp_path: Path) -> None:
    mutants = all_mutants()
    chosen = [
        next(m for m in mutants if "fct_customer_value" in m.path and m.edit.after == "max("),
        next(m for m in mutants if "stg_hubspot__emails" in m.path and m.edit.after == "true"),
        next(m for m in mutants if m.edit.after == "inner join" and "google_levels" in m.path),
    ]
    verdicts = run(Base(built.folder, tmp_path), iter(chosen), 3, jobs=1)
    assert [verdict.by for verdict in verdicts] == ["unit test", "python test", "unit test"]


def test_a_join_whose_lonely_rows_are_dropped_later_is_no_other_query(tmp_path: Path) -> None:
    path, raw = tmp_path / "wh.duckdb", tmp_path / "raw.duckdb"
    duckdb.connect(str(raw)).close()
    with duckdb.connect(str(path)) as connection:
        for name in ("a", "b", "c"):
            connection.execute(f"create table {name} as select i, i as j from range(9) as t(i)")

    def is_alike(query: str) -> bool:
        inner, left = (query.format(kind) for kind in ("inner", "left"))
        return are_planned_alike(path, raw, [(inner, left)])

    assert is_alike("select a.i from a {} join b on a.i = b.i where b.j >= 0")
    grouped = """
        with once as (select b.j, sum(a.i) as i from a {} join b on a.i = b.i group by b.j)
        select once.i, other.i as k from c left join once on c.j = once.j
        left join once as other on c.i = other.j
    """
    assert is_alike(grouped)
    # here the rows are the same, and other rows would not be
    assert not is_alike("select a.i from a {} join b on a.i = b.i")
    assert not is_alike("select a.i from a {} join b on a.i = b.i where a.j >= 0")
    # a null is found here: no row of c is lost
    assert not is_alike(grouped.replace("c left join once", "c full join once"))
    assert not is_alike(grouped.replace("c.j = once.j", "c.j = once.j or once.j is null"))
    assert not are_planned_alike(path, raw, [("", "select 1")])


def test_a_null_is_not_given_fewer_digits() -> None:
    text = "select cast(null as decimal(18, 2)) as a, cast(b as decimal(18, 4)) as b"
    rounded = [edit.apply(text) for edit in edits(text) if edit.kind == "rounding"]
    assert rounded == [text.replace("18, 4", "18, 2")]


def test_it_does_not_matter_by_which_number_rows_are_counted() -> None:
    text = """
        select
            count(case when a > 5 then 1 end) as b,
            count(
                case
                    when a = 6 then 2
                end
            ) as c,
            sum(case when a > 7 then 3 end) as d,
            count(distinct case when a > 8 then 4 when a > 9 then 10 end) as e
    """
    changed = [int(edit.after) for edit in edits(text) if edit.kind == "constant"]
    assert sorted(changed) == [4, 5, 6, 7, 8, 9, 10, 11]
