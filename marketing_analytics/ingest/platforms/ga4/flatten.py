"""From nested events of some days to the rows of the raw tables, as Arrow tables.

The SQL files beside this one flatten the view `exported`: the events of some days as exported,
and their `export_date`. What an export lacks is left empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from marketing_analytics.ingest.engine.tables import Rejected, Table, as_json
from marketing_analytics.ingest.platforms.ga4.tables import EVENT_ITEMS, EVENTS, USER_PROPERTIES

WORD = re.compile(r"@([a-z_.]+)")
# names of the query for columns of the export
ALIASES = {"traffic": "collected_traffic_source"}
# exports before 2023 have the source of the traffic in the parameters alone
OLDER = {
    "traffic.manual_source": "params['source'].string_value",
    "traffic.manual_medium": "params['medium'].string_value",
    "traffic.manual_campaign_name": "params['campaign'].string_value",
    "traffic.gclid": "params['gclid'].string_value",
}
UNIQUE_PARAMS = "map_from_entries(list_transform(event_params, p -> (p.key, p.value)))"
# a key that is given twice: the first stays
FIRST_PARAMS = """map_from_entries(list_transform(
    list_distinct(list_transform(event_params, p -> p.key)),
    k -> (k, list_filter(event_params, p -> p.key = k)[1].value)
))"""
REQUIRED = ("event_timestamp_us", "event_name")
# before a column: the value as given, where it need not fit
GIVEN = "given_"
# tables that are made of a list of the event
LISTS = {"items": EVENT_ITEMS, "user_properties": USER_PROPERTIES}

Flat = tuple[Table, Any, list[Rejected]]


def flatten(connection: Any) -> Iterator[Flat]:
    """Yield every table with its rows and what did not fit, from the view `exported`."""
    import duckdb

    schema = connection.execute("select * from exported limit 0").to_arrow_table().schema
    try:
        events = run(connection, "events", schema, UNIQUE_PARAMS)
    except duckdb.InvalidInputException as error:
        if "unique" not in str(error):
            raise
        events = run(connection, "events", schema, FIRST_PARAMS)
    whole, broken = whole_events(events)
    yield (EVENTS, *fitting(EVENTS, whole, broken))
    connection.register("flat", whole)
    for column, table in LISTS.items():
        rows = run(connection, table.name, schema) if has(schema, [column]) else None
        yield (table, *fitting(table, empty(table) if rows is None else rows, []))


def run(connection: Any, name: str, schema: Any, params: str = "") -> Any:
    """Return the rows of one of the SQL files for exports of this Arrow schema."""
    return connection.execute(query_of(name, schema, params)).to_arrow_table()


def query_of(name: str, schema: Any, params: str = "") -> str:
    """Return the SQL for exports of this Arrow schema; `params` makes the map of parameters."""

    def expression(word: re.Match[str]) -> str:
        path = word[1].rstrip(".")
        if path == "params":
            return params
        head, *rest = path.split(".")
        if has(schema, [ALIASES.get(head, head), *rest]):
            return path
        return OLDER.get(path, "null") if rest else "null"

    return WORD.sub(expression, sql_of(name))


def has(schema: Any, path: Sequence[str]) -> bool:
    """Return whether an Arrow schema, or a struct or a list of it, has a nested field."""
    import pyarrow as pa

    if isinstance(schema, pa.ListType | pa.LargeListType):
        return has(schema.value_type, path)
    if not isinstance(schema, pa.Schema | pa.StructType):
        return False
    fields = {field.name: field.type for field in schema}
    name, *rest = path
    return name in fields and (not rest or has(fields[name], rest))


@cache
def sql_of(name: str) -> str:
    """Return the SQL with the words that depend on what an export has."""
    text = files(__package__).joinpath(f"{name}.sql").read_text()
    # an @ in a comment is none of them
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def whole_events(events: Any) -> tuple[Any, list[Rejected]]:
    """Return the events that have a time and a name, and the others."""
    import pyarrow.compute as pc

    is_whole = pc.and_(*(events.column(name).is_valid() for name in REQUIRED))
    if pc.all(is_whole).as_py() is not False:
        return events, []
    reason = "event_timestamp or event_name is missing"
    return events.filter(is_whole), rejected_rows(
        EVENTS, "", events.filter(pc.invert(is_whole)), lambda _: reason
    )


def fitting(table: Table, rows: Any, rejected: list[Rejected]) -> tuple[Any, list[Rejected]]:
    """Return the declared columns, and `rejected` with the values that were left empty."""
    import pyarrow.compute as pc

    odd = list(rejected)
    for given in (name for name in rows.column_names if name.startswith(GIVEN)):
        name = given.removeprefix(GIVEN)
        is_odd = pc.and_(rows.column(given).is_valid(), rows.column(name).is_null())
        if pc.any(is_odd).as_py():
            odd += rejected_rows(table, name, rows.filter(is_odd), reason_of(table, name))
    return declared(table, rows), odd


def reason_of(table: Table, name: str) -> Callable[[dict[str, Any]], str]:
    """Return what says why a value of a row was left empty."""
    kind = table.columns[name]
    return lambda row: f"{name} is not a {kind}: '{row[GIVEN + name]:g}', left empty"


def rejected_rows(
    table: Table, column: str, rows: Any, reason: Callable[[dict[str, Any]], str]
) -> list[Rejected]:
    """Return rows that did not fit, or a column of them."""
    return [Rejected(table.name, column, reason(row), as_json(row)) for row in rows.to_pylist()]


def declared(table: Table, rows: Any) -> Any:
    """Return rows with the declared columns alone."""
    return rows.select(list(table.columns)).cast(schema_of(table))


def empty(table: Table) -> Any:
    """Return no rows."""
    return schema_of(table).empty_table()


def schema_of(table: Table) -> Any:
    """Return the Arrow schema of the declared columns."""
    import pyarrow as pa

    schema = table.schema()
    return pa.schema([schema.field(name) for name in table.columns])
