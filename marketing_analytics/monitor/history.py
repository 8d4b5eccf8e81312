"""What the watch keeps, in a schema beside the marts: a table a kind of row.

The same statements run on DuckDB and PostgreSQL. All times are UTC without a zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from marketing_analytics.monitor.place import Place, check_schema, named, rows_of
from marketing_analytics.monitor.results import Result, result_of

TABLES: dict[str, dict[str, str]] = {
    "monitor_runs": {
        "run_id": "text",
        "started_at": "timestamp",
        "ended_at": "timestamp",
        "as_of_date": "date",
        "monitors": "bigint",
        "failing": "bigint",
    },
    "monitor_results": {
        "run_id": "text",
        "monitor": "text",
        "kind": "text",
        "subject": "text",
        "status": "text",
        "severity": "text",
        "owner": "text",
        "runbook": "text",
        "value": "double precision",
        "lower_bound": "double precision",
        "upper_bound": "double precision",
        "since_at": "timestamp",
        "checked_at": "timestamp",
        "sentence": "text",
        "action": "text",
    },
    # figures of a run that the next one compares with: shares, counts, columns, definitions
    "monitor_memory": {
        "run_id": "text",
        "monitor": "text",
        "subject": "text",
        "name": "text",
        "text_value": "text",
        "value": "double precision",
        "noted_at": "timestamp",
    },
    "monitor_notices": {
        "notice_id": "text",
        "sequence": "bigint",
        "run_id": "text",
        "channel_name": "text",
        "monitor": "text",
        "subject": "text",
        "kind": "text",
        "cause": "text",
        "status": "text",
        "severity": "text",
        "owner": "text",
        "runbook": "text",
        "since_at": "timestamp",
        "created_at": "timestamp",
        "sentence": "text",
        "action": "text",
        "attempts": "bigint",
        "open_attempts": "bigint",
        "attempted_at": "timestamp",
        "delivered_at": "timestamp",
        "last_error": "text",
    },
    # runs whose notices are decided
    "monitor_decisions": {"run_id": "text", "decided_at": "timestamp"},
    "monitor_silences": {
        "monitor": "text",
        "subject": "text",
        "from_at": "timestamp",
        "until_at": "timestamp",
        "reason": "text",
        "created_by": "text",
        "created_at": "timestamp",
    },
    "monitor_acknowledgements": {
        "monitor": "text",
        "subject": "text",
        "since_at": "timestamp",
        "acknowledged_by": "text",
        "acknowledged_at": "timestamp",
        # the run that found it, and the one that found it over
        "run_id": "text",
        "ended_run_id": "text",
    },
    "monitor_probes": {
        "probed_at": "timestamp",
        "target": "text",
        "is_available": "boolean",
        "is_fresh": "boolean",
        "age_seconds": "double precision",
        "latency_seconds": "double precision",
        "error": "text",
    },
}
# rows of one statement: PostgreSQL takes a message for each statement, DuckDB milliseconds
CHUNK_ROWS = 500


def prepare(connection: Any, place: Place) -> None:
    """Create the schema and the tables that are not there yet, and absent columns.

    Raise UserError where there are no marts beside which they would be.
    """
    check_schema(connection, place)
    schema = place.monitor_schema
    connection.execute(f"create schema if not exists {named(schema)}")
    present = columns_of(connection, schema)
    for table, columns in TABLES.items():
        if table not in present:
            listed = ", ".join(f"{named(name)} {kind}" for name, kind in columns.items())
            connection.execute(f"create table {named(schema, table)} ({listed})")
            continue
        for name in columns.keys() - present[table]:
            connection.execute(
                f"alter table {named(schema, table)} add column {named(name)} {columns[name]}"
            )


def columns_of(connection: Any, schema: str) -> dict[str, set[str]]:
    """Return the columns of the tables of a schema."""
    query = """
        select table_name, column_name from information_schema.columns where table_schema = ?
    """
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(query, [schema]).fetchall():
        found.setdefault(table, set()).add(column)
    return found


def add(connection: Any, place: Place, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows to a table; a column that a row does not name is null."""
    columns = list(TABLES[table])
    marks = f"({', '.join('?' * len(columns))})"
    head = f"insert into {named(place.monitor_schema, table)} ({', '.join(map(named, columns))})"
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = rows[start : start + CHUNK_ROWS]
        values = [plain(row.get(column)) for row in chunk for column in columns]
        connection.execute(f"{head} values {', '.join([marks] * len(chunk))}", values)


def read(
    connection: Any, place: Place, table: str, condition: str = "true", values: Sequence[Any] = ()
) -> list[Mapping[str, Any]]:
    """Return the rows of a table that meet a condition; none where there is no table yet.

    A column that an older version did not keep is null until the next run adds it.
    """
    present = columns_of(connection, place.monitor_schema).get(table)
    if present is None:
        return []
    columns = ", ".join(
        named(name) if name in present else f"cast(null as {kind}) as {named(name)}"
        for name, kind in TABLES[table].items()
    )
    # conditions may ask for an absent column too
    kept = f"select {columns} from {named(place.monitor_schema, table)}"  # noqa: S608 - names of ours
    query = f"select * from ({kept}) as kept where {condition}"  # noqa: S608 - conditions of ours
    return rows_of(connection, query, values)


def latest_run(connection: Any, place: Place) -> Mapping[str, Any] | None:
    """Return the run that was made last, or None; its number tells, for clocks can be set."""
    runs = read(connection, place, "monitor_runs")
    return max(runs, key=lambda run: run["run_id"], default=None)


def latest_results(connection: Any, place: Place) -> list[Result]:
    """Return what the last run that looked at each monitor found."""
    table = named(place.monitor_schema, "monitor_results")
    condition = f"""
        (monitor, run_id) in (select monitor, max(run_id) from {table} group by monitor)
    """  # noqa: S608 - names of ours
    return [result_of(row) for row in read(connection, place, "monitor_results", condition)]


def plain(value: Any) -> Any:
    """Return a value as the tables hold it: times are UTC without a zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def replace_memory(
    connection: Any, place: Place, monitor: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Keep what a monitor is to know at its next run, in place of what it knew."""
    table = named(place.monitor_schema, "monitor_memory")
    connection.execute(f"delete from {table} where monitor = ?", [monitor])  # noqa: S608 - a name of ours
    add(connection, place, "monitor_memory", rows)
