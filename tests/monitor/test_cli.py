"""`marketing monitor` as a person and a program use it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from marketing_analytics.monitor.cli import group
from marketing_analytics.monitor.place import Place, opened


def ask(place: Place | None, *arguments: str) -> Result:
    where = ["--warehouse", place.address, "--schema", place.schema] if place else []
    return CliRunner().invoke(group, [*arguments, *where])


def answer(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_run_and_its_status_say_the_same(place: Place) -> None:
    first = ask(place, "run", "budget", "schema", "--json")
    assert first.exit_code == 0, first.output
    status = ask(place, "status", "--json")
    assert status.exit_code == 0
    assert answer(status)["results"] == answer(first)["results"]
    assert answer(first)["as_of_date"] == "2026-10-31"


def test_what_fails_is_told_with_what_to_do_and_exit_code_1(place: Place) -> None:
    with opened(place, is_read_only=False) as connection:
        connection.execute("update marts.rpt_budget_pacing set spend_usd = 900, pacing = 1.6")
    done = ask(place, "run", "budget")
    assert done.exit_code == 1
    assert "google_ads as a whole has spent 900 USD by 2026-10-31" in done.stdout
    assert "do: lower the daily budget" in done.stdout
    assert "see docs/runbooks/budget.md" in done.stdout
    assert ask(place, "status").exit_code == 1
    assert "Brand has spent" in ask(place, "explain", "budget").stdout


def test_the_list_names_every_monitor_and_needs_no_warehouse() -> None:
    told = ask(None, "list", "--json")
    monitors = answer(told)["monitors"]
    assert len(monitors) == 12
    assert all(one["how"] and one["owner"] and one["severity"] for one in monitors)


def test_a_monitor_is_explained_without_a_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARKETING_WAREHOUSE", raising=False)
    told = ask(None, "explain", "attribution_drift")
    assert told.exit_code == 0
    assert "A drift is split." in told.stdout
    assert "what it said last is not shown" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "budgt"], "did you mean budget?"),
        (["status"], "no monitor has looked at marts of"),
        (["silence", "budget", "--for", "1d", "--reason", " "], "a silence needs a reason"),
        (["probe", "https://[::1"], "this is no address of a page"),
        (["probe", "https://h:abc/"], "this is no address of a page"),
        (
            ["silence", "budget", "--until", "9999-12-31T23:59:59-12:00", "--reason", "x"],
            "--until is of the year 9999",
        ),
        (
            [
                "silence",
                "budget",
                "--from",
                "0001-01-01T00:00:00+14:00",
                "--for",
                "1d",
                "--reason",
                "x",
            ],
            "--from is of the year 1",
        ),
    ],
)
def test_what_cannot_be_done_is_told(place: Place, arguments: list[str], message: str) -> None:
    done = ask(place, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["silence", "budget", "--for", "1d", "--reason", "x"],
        ["acknowledge", "budget"],
        ["notices"],
        ["metrics"],
    ],
)
def test_a_schema_that_is_not_there_is_told_and_none_is_made_beside_it(
    place: Place, arguments: list[str]
) -> None:
    done = ask(Place(place.address, "mart"), *arguments)
    assert done.exit_code == 2
    assert "there is no schema 'mart'" in done.stderr
    assert "did you mean marts? schemas there: main, marts" in done.stderr
    with opened(place) as connection:
        found = connection.execute("select schema_name from information_schema.schemata")
        assert "mart_monitor" not in {name for (name,) in found.fetchall()}


def test_a_warehouse_that_is_not_there_is_told() -> None:
    done = CliRunner().invoke(group, ["run", "--warehouse", "no.duckdb", "--schema", "marts"])
    assert done.exit_code == 2
    assert "there is no DuckDB file at no.duckdb" in done.stderr
    done = CliRunner().invoke(group, ["run", "--warehouse", "mysql://host/x", "--schema", "marts"])
    assert "no marts can be read at a mysql address" in done.stderr
