"""Statements by name, from the .sql files; every database gets the same ones."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from marketing_analytics.cloud_api.states import ACTIVE, ENDED, HELD, Status

SQL_FOLDER = Path(__file__).parents[2] / "sql"
TITLE = re.compile(r"^-- (name|part): (\w+)$", re.MULTILINE)
# `@queued` and `@ended` stand for codes of runs, other words for a part of the same file
WORD = re.compile(r"@(\w+)")
STATES = {
    **{status.name.lower(): str(int(status)) for status in Status},
    **{
        name: ", ".join(str(int(status)) for status in sorted(statuses))
        for name, statuses in {"active": ACTIVE, "held": HELD, "ended": ENDED}.items()
    },
}


@cache
def load_sql(name: str) -> dict[str, str]:
    """Return the statements of `sql/{name}.sql` by the name in their `-- name:` line.

    What stands under `-- part:` is what several statements share; `@` and its name bring it in.
    """
    words = dict(STATES)
    statements: dict[str, str] = {}
    text = (SQL_FOLDER / f"{name}.sql").read_text("utf-8")
    titles = TITLE.split(text)
    for kind, key, written in zip(titles[1::3], titles[2::3], titles[3::3], strict=True):
        sql = WORD.sub(lambda word: words[word[1]], written.strip())
        (statements if kind == "name" else words)[key] = sql
    return statements
