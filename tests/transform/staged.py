"""What each column of the staging models takes from its raw table: three rows that name themselves.

`python tests/transform/staged.py` records it anew.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from zlib import crc32

import duckdb
from raw_tables import TABLES
from small_warehouse import SCHEMA, Warehouse

from marketing_analytics.ingest.raw import journal
from marketing_analytics.ingest.raw.declared import SQL_TYPES

RECORDED = Path(__file__).with_name("staged.csv")
# a row whose texts are the names of their columns and whose booleans are true, one in capitals with
# booleans that are false, two whose texts say nothing, and one without a value; recorded in the
# order of what comes of them
ROWS = ("first", "second", "unset", "blank", "empty")
# texts that a model compares with its own
SAID = {
    "session_engaged": ("1", "0"),
    "analytics_storage": ("Yes", "No"),
    "ads_storage": ("Yes", "No"),
    "action": ("open", "click"),
    "financial_status": ("paid", "voided"),
}
NAMES = ("model", "column", "type", "rows")
Staged = dict[tuple[str, str], tuple[str, ...]]


def recorded() -> Staged:
    """Return what was recorded."""
    with RECORDED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["model"], row["column"]): tuple(row[name] for name in NAMES[2:]) for row in rows}


def value(column: str, kind: str, row: str) -> str:
    """Return the value of a column in a row as SQL: its name, or what is counted from it."""
    number = crc32(column.encode()) % 900 + 50 + (row == "second")
    first, second = SAID.get(column, (column, column.upper()))
    is_text = kind in {"varchar", "text", "json"}
    if row in {"unset", "blank"} and is_text and not column.endswith("month"):
        return "'(not set)'" if row == "unset" else "''"
    if row in {"unset", "blank", "empty"}:
        return "null"
    if column.endswith("month"):
        return f"'2026-{number % 12 + 1:02}'"
    if kind.startswith("bool"):
        return str(row == "first").lower()
    if kind.startswith("date"):
        return f"date '2026-01-01' + {number}"
    if kind.startswith("timestamp"):
        return f"timestamptz '2026-01-01 00:00:00+00' + to_minutes({number})"
    if kind.startswith("decimal"):
        return f"{number}.004999 / 100" if kind.endswith("6)") else f"{number / 100}"
    return f"'{first if row == 'first' else second}'" if is_text else str(number)


def fill(connection: Any, rows: tuple[str, ...]) -> None:
    """Make every raw table, with these rows."""
    connection.execute("attach ':memory:' as raw; use raw; set timezone = 'UTC'")
    for schema in {name.split(".")[0] for name in TABLES}:
        connection.execute(f"create schema {schema}")
    for name, table in TABLES.items():
        columns = ", ".join(f"{n} {SQL_TYPES[k]}" for n, k in table.stored.columns.items())
        connection.execute(f"create table {name} ({columns}, _loaded_at timestamptz)")
    journal.create(connection)
    query = (
        "select table_schema || '.' || table_name, column_name, lower(data_type)"
        " from information_schema.columns where table_catalog = 'raw' order by ordinal_position"
    )
    columns_of: dict[str, list[tuple[str, str]]] = {}
    for table_name, column, kind in connection.execute(query).fetchall():
        columns_of.setdefault(table_name, []).append((column, kind))
    for table_name, kinds in columns_of.items():
        for row in rows:
            values = ", ".join(value(column, kind, row) for column, kind in kinds)
            connection.execute(f"insert into {table_name} values ({values})")


def staged(warehouse: Warehouse, *these: str) -> Staged:
    """Return what the compiled staging models make of the rows, or of these."""
    connection = duckdb.connect()
    fill(connection, these or ROWS)
    connection.execute(f"attach ':memory:' as wh; create schema wh.{SCHEMA}; use wh.{SCHEMA}")
    found: Staged = {}
    for model, sql in compiled_staging(warehouse):
        connection.execute(f"create view {model} as {sql}")
        connection.execute(f"describe {model}")
        kinds = [(row[0], row[1]) for row in connection.fetchall()]
        texts = ", ".join(f"cast({name} as varchar) as {name}" for name, _ in kinds)
        # the row without a value last
        rows = connection.execute(f"select {texts} from {model} order by all nulls last").fetchall()
        by_column = list(zip(*rows, strict=True))
        for place, (name, kind) in enumerate(kinds):
            cells = ["null" if cell is None else str(cell) for cell in by_column[place]]
            found[model, name] = (kind, " | ".join(cells))
    return found


def compiled_staging(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Return the staging models with their compiled SQL, each after those that it reads."""
    nodes = json.loads((warehouse.target / "manifest.json").read_text())["nodes"].values()
    models = [
        node for node in nodes if node["resource_type"] == "model" and node["fqn"][1] == "staging"
    ]
    models.sort(key=lambda node: (len(node["refs"]), node["name"]))
    folder = warehouse.target / "compiled" / "marketing"
    return [
        (node["name"], (folder / node["original_file_path"]).read_text(encoding="utf-8"))
        for node in models
    ]


def record(warehouse: Warehouse) -> None:
    """Write what the staging models of a warehouse make of the rows."""
    with RECORDED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows((*key, *cells) for key, cells in staged(warehouse).items())


if __name__ == "__main__":
    from small_warehouse import make_warehouse

    with tempfile.TemporaryDirectory() as path:
        made = make_warehouse(Path(path), {name: [] for name in TABLES})
        compiled = made.run_dbt("compile")
        if compiled.returncode:
            sys.exit(compiled.stdout[-3000:])
        record(made)
