"""Worked cases of the channel rules, run through the SQL that dbt compiled."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_warehouse import PROJECT, SCHEMA, Warehouse

pytestmark = pytest.mark.system
PAGE = PROJECT.parent / "docs" / "campaign-tracking.md"
CASES = Path(__file__).with_name("channel_cases.csv")
SITE = "https://www.shop.example/lamps"
SEEDS = ("referral_exclusions", "click_ids", "traffic_sources", "channel_rules", "channels")
CHAIN = ("stg_ga4__events", "int_web__visits", "int_web__traffic")
# the one query: a visit of each case, and what it is called
ANSWERS = """
    select device_key, channel, coalesce(platform, ''), is_return
    from int_web__visits
    inner join int_web__traffic using (origin_source, origin_medium, campaign_words, click_id)
"""


def cases() -> list[dict[str, str]]:
    """Return the worked cases."""
    with CASES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def event_of(number: int, case: dict[str, str]) -> dict[str, Any]:
    """Return the raw event that a visit of a case begins with."""
    return {
        "device_key": str(number),
        "ga_session_id": 1,
        "event_timestamp_us": 1,
        "event_index": 0,
        "source": case["source"],
        "medium": case["medium"],
        "campaign": case["campaign"],
        "page_location": SITE + (f"?{case['click_ids']}" if case["click_ids"] else ""),
        "page_referrer": case["referrer"],
    }


More = dict[str, list[dict[str, str]]]


def answers(
    built: Warehouse, visits: list[dict[str, str]], more: More | None = None
) -> list[tuple[Any, ...]]:
    """Return (case, channel, platform, is it a return) as the compiled models see it."""
    return loaded(built, visits, more or {}).execute(ANSWERS).fetchall()


def loaded(built: Warehouse, visits: list[dict[str, str]], more: More) -> Any:
    """Return the compiled models over visits; `more` are rows that a team adds to the seeds."""
    connection = duckdb.connect()
    connection.execute(f"attach '{built.folder / 'wh.duckdb'}' as file (read_only)")
    connection.execute(f"attach '{built.folder / 'raw.duckdb'}' as rows (read_only)")
    connection.execute("attach ':memory:' as raw; create schema raw.ga4")
    connection.execute("create table raw.ga4.events as from rows.ga4.events limit 0")
    connection.execute(f"attach ':memory:' as wh; create schema wh.{SCHEMA}; use wh.{SCHEMA}")
    events = [event_of(number, case) for number, case in enumerate(visits)]
    columns = ", ".join(events[0])
    places = ", ".join(f"${name}" for name in events[0])
    connection.executemany(f"insert into raw.ga4.events ({columns}) values ({places})", events)
    for name in SEEDS:
        connection.execute(f"create table {name} as from file.{SCHEMA}.{name}")
        for row in more.get(name, []):
            filled = {column: value for column, value in row.items() if value}
            places = ", ".join("?" for _ in filled)
            connection.execute(
                f"insert into {name} ({', '.join(filled)}) values ({places})", [*filled.values()]
            )
    connection.execute(
        "create table int_identity__sessions as"
        " select device_key, ga_session_id from raw.ga4.events"
    )
    for model in CHAIN:
        found = (built.target / "compiled").rglob(f"{model}.sql")
        (path,) = [file for file in found if ".yml" not in str(file)]
        connection.execute(f"create view {model} as {path.read_text()}")
    return connection


def test_every_worked_case_has_the_channel_and_platform_it_should(built: Warehouse) -> None:
    visits = cases()
    assert len(visits) >= 300
    assert all(case["reason"] for case in visits)
    found = {int(row[0]): row[1:] for row in answers(built, visits)}
    wrong = [
        (case, found.get(number))
        for number, case in enumerate(visits)
        if found.get(number) != (case["channel"], case["platform"], case["is_return"] == "true")
    ]
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "key"), [("channel_rules", "priority"), ("click_ids", "click_id")]
)
def test_without_any_one_rule_a_case_is_wrong(built: Warehouse, name: str, key: str) -> None:
    connection = loaded(built, cases(), {})
    expected = sorted(connection.execute(ANSWERS).fetchall())
    idle = []
    for row in seed(name):
        connection.execute(f"begin; delete from {name} where {key} = '{row[key]}'")
        if sorted(connection.execute(ANSWERS).fetchall()) == expected:
            idle.append(row)
        connection.execute("rollback")
    assert idle == []


def test_the_cases_meet_every_channel_and_click_id() -> None:
    visits = cases()
    channels = {row["channel"] for row in seed("channels")} - {"unattributed", "refunded"}
    assert {case["channel"] for case in visits} == channels
    parameters = {part.split("=")[0] for case in visits for part in case["click_ids"].split("&")}
    assert parameters >= {row["click_id"] for row in seed("click_ids")}


def seed(name: str) -> list[dict[str, str]]:
    """Return the rows of a seed."""
    with (PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_channel_but_the_last_three_is_given_by_a_rule() -> None:
    given = {row["channel"] for row in seed("channel_rules")}
    assert {row["channel"] for row in seed("channels")} - given == {
        "unassigned",
        "unattributed",
        "refunded",
    }


def test_priorities_are_used_once_and_seeds_speak_lower_case() -> None:
    priorities = [int(row["priority"]) for row in seed("channel_rules")]
    assert len(priorities) == len(set(priorities))
    for name, column in (("traffic_sources", "source"), ("referral_exclusions", "domain")):
        values = [row[column] for row in seed(name)]
        assert all(value == value.lower().strip() for value in values)
        # what `like` would read as a pattern
        assert not [value for value in values if set(value) & set("_% *")]


def test_nothing_is_a_source_and_an_exclusion() -> None:
    sources = {row["source"] for row in seed("traffic_sources")}
    assert not sources & {row["domain"] for row in seed("referral_exclusions")}


def examples() -> tuple[dict[str, list[dict[str, str]]], list[dict[str, str]]]:
    """Return the rows that the page adds to seeds, and the visits of its table."""
    text = PAGE.read_text(encoding="utf-8").split("### Examples", 1)[1].split("\n## ", 1)[0]
    rows = {
        name: list(csv.DictReader(block.splitlines(), fieldnames=list(seed(name)[0])))
        for name, block in re.findall(r"```csv (\w+)\n(.*?)```", text, re.DOTALL)
    }
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
    names, _, *table = cells
    blank = {"click_ids": "", "campaign": ""}
    return rows, [blank | dict(zip(names, row, strict=True)) for row in table]


def test_the_examples_of_the_page_do_what_it_says(built: Warehouse) -> None:
    rows, visits = examples()
    assert len(rows) == 3
    assert len(visits) == 5
    expected = [(case["channel"], case["platform"]) for case in visits]
    changed = {int(row[0]): row[1:3] for row in answers(built, visits, rows)}
    assert [changed[number] for number in range(len(visits))] == expected
    delivered = {int(row[0]): row[1:3] for row in answers(built, visits)}
    assert all(delivered[number] != expected[number] for number in range(len(visits)))


def test_the_page_counts_the_cases() -> None:
    assert f"{len(cases())} worked cases" in PAGE.read_text(encoding="utf-8")
