"""Talk to Trino or Spark, in an environment that has their packages: dbt's, not that of the tests.

Called as `python engine_session.py FILE`; FILE is JSON: which engine, its settings, statements to
run, Parquet files to load as tables, and queries whose rows are written as a pickle to `answer`.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Rows = list[tuple[Any, ...]]


def main() -> None:
    """Do what the file asks for."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    execute = {"trino": on_trino, "spark": on_spark}[asked["engine"]](asked)
    for statement in asked.get("statements", []):
        execute(statement)
    answer = {query: execute(query) for query in asked.get("queries", [])}
    Path(asked["answer"]).write_bytes(pickle.dumps(answer))


def on_trino(asked: dict[str, Any]) -> Callable[[str], Rows]:
    """Return how Trino answers a query."""
    import trino

    cursor = trino.dbapi.connect(**asked["settings"]).cursor()

    def execute(query: str) -> Rows:
        return [tuple(row) for row in cursor.execute(query).fetchall()]

    return execute


def on_spark(asked: dict[str, Any]) -> Callable[[str], Rows]:
    """Return how Spark answers a query, with the files loaded as tables."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.enableHiveSupport()
    for name, value in asked["settings"].items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    for table, path in asked.get("files", {}).items():
        session.sql(f"create database if not exists {table.split('.')[0]}")
        session.read.parquet(path).write.mode("overwrite").saveAsTable(table)

    def execute(query: str) -> Rows:
        return [tuple(map(in_utc, row)) for row in session.sql(query).collect()]

    return execute


def in_utc(value: Any) -> Any:
    """Return a time as UTC: Spark's own are in the zone of this process."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


if __name__ == "__main__":
    main()
