"""The states of runs stand in one place, and everything else asks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from marketing_analytics.cloud_api.states import (
    ACTIVE,
    COMPLETION_NAMES,
    COMPLETIONS,
    ENDED,
    HELD,
    UNSUCCESSFUL,
    Status,
)
from marketing_analytics.local_cloud.store.connection import load_sql

ROOT = Path(__file__).parents[2]
# a status beside one of its codes, or the codes of all ends in a row
KNOWS_A_CODE = re.compile(
    r"(?i)\bstatus(?:es)?\b[\"'\])]*\s*(?:=|==|!=|<|<=|>|>=|:|in|not in|is)\s*[(\[{]?\s*"
    r"(?:1|2|3|10|20|30)\b|success.:\s*10\b|\b10,\s*20,\s*30\b|\b1,\s*2,\s*3,\s*10\b"
)
# the states of something else: a send, an advertising account
OTHERS = ("simulate/world/ledger.py", "simulate/platforms/meta_ads/entities.py")


def test_the_codes_and_words_are_dbt_clouds():
    assert {status.word: int(status) for status in Status} == {
        "Queued": 1,
        "Starting": 2,
        "Running": 3,
        "Success": 10,
        "Error": 20,
        "Cancelled": 30,
    }


def test_every_status_is_active_or_ended_and_a_held_one_is_active():
    assert set(Status) == ACTIVE | ENDED
    assert not ACTIVE & ENDED
    assert HELD < ACTIVE
    assert UNSUCCESSFUL < ENDED
    assert set(COMPLETIONS.values()) == ENDED == set(COMPLETION_NAMES)


def test_nobody_else_knows_the_codes():
    files = [
        path
        for folder in ("marketing_analytics", "benchmarks", "scripts")
        for ending in ("py", "sql")
        for path in (ROOT / folder).rglob(f"*.{ending}")
        if path.name != "states.py"
        and not path.as_posix().endswith(OTHERS)
        # a step that stores have made stays as it was
        and "migrations" not in path.parts
    ]
    assert len(files) > 100
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if KNOWS_A_CODE.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        'if run["status"] == 20:',
        "where r.status in (1, 2, 3)",
        "ENDED = (10, 20, 30)",
        "status = 3",
    ],
)
def test_a_line_that_knows_a_code_would_be_found(line):
    assert KNOWS_A_CODE.search(line)


def test_statements_get_the_codes_from_the_enumeration():
    assert "status in (2, 3)" in load_sql("runs")["request_cancel"]
    assert load_sql("runs_queue")["has_queued"].endswith("where status = 1)")
