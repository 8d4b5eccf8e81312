"""Every named statement says what it is for, is used, and fits the schema."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from marketing_analytics import local_cloud
from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.runs.moves import Move
from marketing_analytics.local_cloud.store.connection import find, find_all, load_sql
from marketing_analytics.local_cloud.store.databases.dialect import TWINS, bind, translate
from marketing_analytics.local_cloud.store.databases.statements import SQL_FOLDER
from marketing_analytics.local_cloud.store.narrowing import LIMIT, counting
from marketing_analytics.local_cloud.store.schema import MIGRATIONS, apply, open_store, read_scripts

FILES = sorted(path.stem for path in SQL_FOLDER.glob("*.sql"))
# `read_page` and `move_run` make these names
MADE = {f"list_{noun}" for noun in FILES}
MADE |= {move.name.lower() for move in Move}


@pytest.mark.parametrize("name", FILES)
def test_every_statement_begins_with_a_line_that_says_what_it_is_for(name):
    assert load_sql(name)
    for key, text in load_sql(name).items():
        assert re.match(r"-- [a-z]\S* .{5,}", text.splitlines()[0]), key


def test_every_statement_is_used():
    folder = Path(local_cloud.__file__).parent
    code = "".join(path.read_text("utf-8") for path in folder.rglob("*.py"))
    unused = [
        f"{name}.{key}"
        for name in FILES
        for key in load_sql(name)
        if f'"{key}"' not in code and key not in MADE
    ]
    assert unused == []


def test_every_file_of_statements_is_read_by_one_module():
    folder = Path(local_cloud.__file__).parent
    texts = {path: path.read_text("utf-8") for path in folder.rglob("*.py")}
    doors = {
        name: [path.name for path, text in texts.items() if f'load_sql("{name}")' in text]
        for name in FILES
    }
    assert {name: modules for name, modules in doors.items() if len(modules) != 1} == {}


def test_api_and_pages_leave_statements_and_rows_to_the_doors():
    folder = Path(local_cloud.__file__).parent
    words = re.compile(r"load_sql|sqlite3\.Row|\.fetch(?:one|all)\(")
    rooms = [path for room in ("api", "pages") for path in (folder / room).rglob("*.py")]
    assert [path.name for path in rooms if words.search(path.read_text("utf-8"))] == []
    assert len(rooms) > 30


def test_a_row_becomes_a_record_with_truths_and_states():
    @dataclass(frozen=True)
    class Light:
        name: str
        is_on: bool
        status: Status

    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        statement = "select 'porch' as name, 1 as is_on, 20 as status, 7 as left_out where :found"
        (light,) = find_all(connection, Light, statement, {"found": 1})
        assert (light, light.is_on) == (Light("porch", is_on=True, status=Status.ERROR), True)
        assert find(connection, Light, statement, {"found": 1}) == light
        assert find(connection, Light, statement, {"found": 0}) is None


@pytest.mark.parametrize("name", FILES)
def test_every_statement_fits_the_schema(name):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        apply(connection, read_scripts(MIGRATIONS))
        for text in [*load_sql(name).values(), *counts_of(name).values()]:
            values = dict.fromkeys(re.findall(r":(\w+)", text))
            connection.execute(f"explain {text}", values)


def counts_of(name: str) -> dict[str, str]:
    """Return the counts of the lists of a file."""
    lists = {key: text for key, text in load_sql(name).items() if LIMIT in text}
    return {f"count of {key}": counting(text) for key, text in lists.items()}


def test_every_list_can_be_counted_by_its_limited_select():
    counts = {key: text for name in FILES for key, text in counts_of(name).items()}
    assert len(counts) >= 11
    unlike = re.compile(r"\b(distinct|group by|union|order by .* limit :limit|:limit|:offset)\b")
    assert [key for key, text in counts.items() if unlike.search(text)] == []


def names_of(text: str) -> set[str]:
    return set(re.findall(r":(\w+)", text))


@pytest.mark.system
def test_every_statement_fits_the_schema_on_postgresql(new_database, tmp_path):
    with closing(open_store(new_database(tmp_path))) as connection:
        for name in FILES:
            for key, text in {**load_sql(name), **counts_of(name)}.items():
                translated = translate(text)
                values = bind(dict.fromkeys(names_of(text)), translated.lists)
                connection.run_script(cursor_text(f"explain {translated.text}", values))
                assert ":" not in re.sub(r"'[^']*'", "", translated.text), key


def cursor_text(text: str, values: dict[str, None]) -> str:
    return text % dict.fromkeys(values, "null")


def test_a_statement_in_the_words_of_postgresql_stands_for_one_with_the_same_values():
    twins = sorted((SQL_FOLDER / TWINS).glob("*.sql"))
    assert len(twins) >= 2
    for path in twins:
        for key, text in load_sql(f"{TWINS}/{path.stem}").items():
            assert names_of(text) == names_of(load_sql(path.stem)[key]), key


def test_a_list_is_an_array_and_a_truth_a_number_for_postgresql():
    translated = translate(
        "-- any: of these\nselect 100 % 7 from runs where id in (select value from json_each(:ids))"
        " and name like '%x' || :part"
    )
    assert translated.text == (
        "select 100 %% 7 from runs where id = any (%(ids)s) and name like '%%x' || %(part)s"
    )
    values = {"ids": "[1, 2]", "part": "a\0b", "is_on": True, "status": Status.ERROR, "none": None}
    assert bind(values, translated.lists) == {
        "ids": [1, 2], "part": "a\N{SYMBOL FOR NULL}b", "is_on": 1, "status": 20, "none": None
    }  # fmt: skip
    assert [translate(text).is_write for text in ("-- a\nUpdate x set y = 1", "select 1")] == [
        True,
        False,
    ]
