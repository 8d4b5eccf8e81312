"""Warehouses other than DuckDB's: the same raw tables in them, the same project built on them."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import yaml
from small_warehouse import PROJECT, SCHEMA, Warehouse

Rows = list[tuple[Any, ...]]
MODELS_ALONE = ("build", "--resource-type", "seed", "--resource-type", "model")
DBT = Path(sys.executable).with_name("dbt")
# fits are made by `marketing measure fit` where the engine runs no Python: test_lifetime_value.py
BY_COMMAND = {"rpt_lifetime_value_fits", "rpt_segment_models"}
# doubles of two engines are the same to this share
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Engine:
    """Where dbt builds, how it is told, and how the built tables are read."""

    folder: Path
    output: dict[str, Any]
    read: Callable[[list[str]], dict[str, Rows]]
    variables: dict[str, Any] = field(default_factory=dict)
    dbt: Path = DBT
    environment: dict[str, str] = field(default_factory=dict)

    def run_dbt(self, *arguments: str, schema: str = SCHEMA) -> subprocess.CompletedProcess[str]:
        """Run the real dbt on the project, in a process of its own."""
        place = self.folder / schema
        place.mkdir(exist_ok=True)
        output = self.output | {"schema": schema}
        profile = {"marketing": {"target": "here", "outputs": {"here": output}}}
        (place / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
        options = ["--project-dir", str(PROJECT), "--profiles-dir", str(place)]
        options += ["--target-path", str(place / "target"), "--log-path", str(place / "logs")]
        options += ["--vars", json.dumps(self.variables)]
        return subprocess.run(
            [str(self.dbt), "--no-use-colors", *arguments, *options],
            cwd=place,
            env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"} | self.environment,
            capture_output=True,
            text=True,
            timeout=2700,
        )


def raw_tables(path: Path) -> Iterable[tuple[str, str, list[tuple[str, str]]]]:
    """Yield the tables of a raw file: schema, name, columns with their types."""
    connection = duckdb.connect(str(path), read_only=True)
    query = (
        "select table_schema, table_name, list((column_name, data_type) order by ordinal_position)"
        " from information_schema.columns group by all order by all"
    )
    rows = connection.execute(query).fetchall()
    connection.close()
    return rows


def copy_to_postgresql(path: Path, url: str) -> None:
    """Copy every raw table of a file to a server, as ingestion would have made it there."""
    source = duckdb.connect(str(path), read_only=True)
    source.execute("set timezone = 'UTC'")
    with psycopg2.connect(url) as server, server.cursor() as cursor:
        for schema, name, columns in raw_tables(path):
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns)
            cursor.execute(f"create schema if not exists {schema}")
            cursor.execute(f"create table {schema}.{name} ({listed})")
            rows = path.with_name("rows.csv")
            source.execute(f"copy {schema}.{name} to '{rows}' (header false)")
            with rows.open(encoding="utf-8") as file:
                cursor.copy_expert(f"copy {schema}.{name} from stdin csv", file)
    source.close()


def marts() -> list[str]:
    """Return the names of the marts."""
    return sorted(path.stem for path in (PROJECT / "models" / "marts").rglob("*.sql"))


def differing_marts(
    warehouse: Warehouse,
    engine: Engine,
    schema: str = SCHEMA,
    left_out: Collection[str] = BY_COMMAND,
) -> list[str]:
    """Return how the marts of an engine differ from those of DuckDB, one text a mart."""
    columns = {
        mart: [name for name, *_ in warehouse.query(f"describe {mart}")]
        for mart in marts()
        if mart not in left_out
    }
    queries = {
        mart: f"select {', '.join(names)} from {schema}.{mart}" for mart, names in columns.items()
    }
    found = engine.read(list(queries.values()))
    texts = [
        difference(warehouse.query(query.replace(f"{schema}.", "")), found[query])
        for query in queries.values()
    ]
    return [f"{mart}: {text}" for mart, text in zip(queries, texts, strict=True) if text]


def difference(expected: Rows, found: Rows) -> str:
    """Return how rows differ from those of DuckDB."""
    if len(expected) != len(found):
        return f"{len(expected)} rows on DuckDB, {len(found)} here"
    pairs = zip(ordered(expected), ordered(found), strict=True)
    wrong = [pair for pair in pairs if not all(map(is_same, *pair))]
    return f"{len(wrong)} rows differ, like {wrong[0]}" if wrong else ""


def ordered(rows: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    """Return rows in an order that does not hang on the last digit of a double."""
    return sorted(rows, key=lambda row: [text_of(value) for value in row])


def text_of(value: Any) -> str:
    """Return a value for sorting; doubles count for nothing."""
    if isinstance(value, float):
        return ""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return f"{Decimal(value):.12f}"
    return str(value)


def is_same(expected: Any, found: Any) -> bool:
    """Return whether two values are the same: decimals exactly, doubles to the tolerance."""
    if isinstance(expected, float) and isinstance(found, float):
        return math.isclose(expected, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return expected == found and isinstance(expected, float) == isinstance(found, float)
