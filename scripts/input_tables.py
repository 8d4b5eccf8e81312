"""Write the list of input tables into docs/input-tables.md: what the models read, and its types.

Usage: input_tables.py [--check]. With --check nothing is written; a page that is behind is named.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from marketing_analytics.ingest.engine.tables import LOADED_AT
from marketing_analytics.ingest.platforms import load_source
from marketing_analytics.ingest.raw import declared

ROOT = Path(__file__).resolve().parents[1]
STAGING = ROOT / "transform" / "models" / "staging"
JOURNAL = Path(declared.__file__).with_name("journal.sql")
PAGE = ROOT / "docs" / "input-tables.md"
BEGIN = "<!-- from here on written by scripts/input_tables.py -->\n"


def main() -> None:
    """Write the page, or check it."""
    text = PAGE.read_text(encoding="utf-8")
    head, mark, _ = text.partition(BEGIN)
    wanted = head + mark + "\n" + "\n".join(lines()) + "\n"
    if sys.argv[1:] == ["--check"]:
        sys.exit(f"{PAGE} is behind: run scripts/input_tables.py" if text != wanted else 0)
    PAGE.write_text(wanted, encoding="utf-8")


def lines() -> Iterator[str]:
    """Yield a section for each source, and a row for each of its tables that a model reads."""
    for path in sorted(STAGING.rglob("__sources.yml")):
        (source,) = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
        yield from (f"## {source['name']}", "", source["description"], "")
        yield from ("| table | one row | columns |", "|---|---|---|")
        for table in source["tables"]:
            model = path.with_name(f"stg_{source['name']}__{table['name']}.sql")
            if model.exists():
                yield row(source["name"], table, model.read_text(encoding="utf-8"))
        yield ""


def row(source: str, table: Mapping[str, Any], model: str) -> str:
    """Return the line of a table: the columns that its staging model names."""
    columns, key = columns_of(source, table["name"])
    read = {name: kind for name, kind in columns.items() if re.search(rf"\b{name}\b", model)}
    listed = ", ".join(
        f"**{name}** {kind}" if name in key else f"{name} {kind}" for name, kind in read.items()
    )
    grain = table["description"].removeprefix("One row ")
    return f"| `{table['name']}` | {grain} | {listed} |"


def columns_of(source: str, name: str) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the columns of a table with their types as ingestion declares them, and its key."""
    if source == "ingest":
        return journal_columns(name), ()
    (table,) = [table for table in load_source(source).tables if table.name == name]
    kinds = {column: declared.SQL_TYPES[kind] for column, kind in table.stored.columns.items()}
    kinds[LOADED_AT] = declared.SQL_TYPES["time"]
    return {column: short(kind) for column, kind in kinds.items()}, table.stored.key


def short(kind: str) -> str:
    """Return a type as PostgreSQL calls it for short."""
    return kind.replace("varchar", "text").replace("timestamp with time zone", "timestamptz")


def journal_columns(name: str) -> dict[str, str]:
    """Return the columns of a table of the journal."""
    body = JOURNAL.read_text(encoding="utf-8").split(f"_ingest.{name} (")[1].split(")")[0]
    pairs = (column.split(maxsplit=1) for column in body.split(","))
    return {column: short(kind.strip()) for column, kind in pairs}


if __name__ == "__main__":
    main()
