"""Every named statement says what it is for, is used, and fits the schema."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from marketing_analytics import local_cloud
from marketing_analytics.local_cloud.runs.moves import Move
from marketing_analytics.local_cloud.store.connection import SQL_FOLDER, load_sql
from marketing_analytics.local_cloud.store.schema import MIGRATIONS, apply, read_scripts

FILES = sorted(path.stem for path in SQL_FOLDER.glob("*.sql"))
# `read_page` and `move_run` make these names
MADE = {f"{verb}_{noun}" for verb in ("list", "count") for noun in FILES}
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


@pytest.mark.parametrize("name", FILES)
def test_every_statement_fits_the_schema(name):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        apply(connection, read_scripts(MIGRATIONS))
        for text in load_sql(name).values():
            values = dict.fromkeys(re.findall(r":(\w+)", text))
            connection.execute(f"explain {text}", values)
