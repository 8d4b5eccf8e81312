"""Google Analytics 4, from its BigQuery event export as Parquet files.

A day is read when its files are new or changed: late events arrive in days already loaded. The
last three days are always read again. Export schema: developers.google.com/analytics/bigquery.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import TerminalError
from marketing_analytics.ingest.engine.backfill import Planned
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import DoubtfulError, Rejected, Table, as_json, within
from marketing_analytics.ingest.engine.windows import Window
from marketing_analytics.ingest.platforms.ga4.layout import DayExport, day_exports

# Google takes hits of up to 72 hours ago
LOOKBACK_DAYS = 3
DAYS_AT_ONCE = 30

SAMPLE = (
    "select * from read_parquet($files, union_by_name = true, hive_partitioning = false) limit 0"
)
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

EVENTS = Table(
    "events",
    {
        "event_date": "date",
        "event_at": "time",
        "event_timestamp_us": "count",
        "event_name": "text",
        "event_index": "count",
        "user_pseudo_id": "text",
        "user_id": "text",
        "ga_session_id": "count",
        "ga_session_number": "count",
        "page_location": "text",
        "page_referrer": "text",
        "source": "text",
        "medium": "text",
        "campaign": "text",
        "campaign_id": "text",
        "gclid": "text",
        "transaction_id": "text",
        "value": "money",
        "currency": "text",
        "engagement_time_ms": "count",
        "session_engaged": "text",
        "device_category": "text",
        "browser": "text",
        "country": "text",
    },
    # made unique by the query
    key=(),
    mode="parts",
    part_by=("event_date",),
    personal={"user_pseudo_id": "device", "user_id": "customer"},
)
TABLES = (EVENTS,)
REQUIRED = ("event_timestamp_us", "event_name")


def collect(job: Job) -> None:
    """Read the days that are new, changed or recent."""
    folder = Path(job.setting("GA4_EXPORT_PATH", purpose="folder of the daily export files"))
    due = [export for export in day_exports(folder) if is_due(job, export)]
    chunks = [due[i : i + DAYS_AT_ONCE] for i in range(0, len(due), DAYS_AT_ONCE)]
    planned = [Planned(EVENTS.name, "", Window(one.day, one.day)) for one in due]
    if job.is_only_planned(planned):
        return
    job.plan(len(due))
    job.each(chunks, lambda chunk: read_chunk(job, chunk), workers=1)


def check(job: Job) -> list[tuple[str, str]]:
    """Return the span of the days that are there; their files are not opened."""
    days = day_exports(Path(job.setting("GA4_EXPORT_PATH")))
    return [("", f"{len(days):,} days, {days[0].day} to {days[-1].day}")]


def is_due(job: Job, file: DayExport) -> bool:
    """Return whether a day is new, changed, or recent enough to change again."""
    today = job.now.date()
    if not job.since <= file.day <= today:
        return False
    if job.backfill:
        return job.backfill.is_due(EVENTS.name, "", file.day)
    if job.is_reread or today - file.day <= timedelta(days=LOOKBACK_DAYS):
        return True
    return bool(job.state.get("files", {}).get(str(file.day)) != file.fingerprint)


def read_chunk(job: Job, chunk: Sequence[DayExport]) -> None:
    """Read some days; when one of them cannot be read the others are read one by one."""
    try:
        events = read_events(chunk)
        whole, broken = parted(events)
        parts = [(file.day,) for file in chunk]
        asked, strange = within(EVENTS, whole, parts)
        job.add_built(
            EVENTS,
            asked,
            parts=parts,
            rejected=[*broken, *strange],
            note=lambda: note_read(job, chunk),
        )
    except TerminalError as error:
        if len(chunk) == 1 or isinstance(error, DoubtfulError):
            raise
        for file in chunk:
            try:
                read_chunk(job, [file])
            except TerminalError as error:
                job.fail(error)
        return
    job.done(len(chunk))


def note_read(job: Job, chunk: Sequence[DayExport]) -> None:
    """Note which files of some days were read."""
    for file in chunk:
        job.state.setdefault("files", {})[str(file.day)] = file.fingerprint
        job.mark(EVENTS.name, "", Window(file.day, file.day), job.now.date())


def read_events(chunk: Sequence[DayExport]) -> Any:
    """Return the events of some days as an Arrow table: the declared columns, `given_value`."""
    import duckdb

    files = [(str(path), export.day) for export in chunk for path in export.paths]
    values = {"files": [path for path, _ in files], "days": [day for _, day in files]}
    connection = duckdb.connect()
    try:
        sample = connection.execute(SAMPLE, {"files": values["files"]}).to_arrow_table()
        try:
            query = events_query(sample.schema, UNIQUE_PARAMS)
            return connection.execute(query, values).to_arrow_table()
        except duckdb.InvalidInputException as error:
            if "unique" not in str(error):
                raise
            query = events_query(sample.schema, FIRST_PARAMS)
            return connection.execute(query, values).to_arrow_table()
    except duckdb.Error as error:
        names = ", ".join(sorted({chunk[0].paths[0].name, chunk[-1].paths[-1].name}))
        raise TerminalError(
            f"cannot read the GA4 export {names} of {chunk[0].day}: {str(error).splitlines()[0]}",
            hint="export the day again; the other days are loaded",
        ) from None
    finally:
        connection.close()


def events_query(schema: Any, params: str) -> str:
    """Return the SQL that flattens exports of this Arrow schema; `params` makes the map."""

    def expression(word: re.Match[str]) -> str:
        path = word[1].rstrip(".")
        if path == "params":
            return params
        head, *rest = path.split(".")
        if has(schema, [ALIASES.get(head, head), *rest]):
            return path
        return OLDER.get(path, "null") if rest else "null"

    return WORD.sub(expression, events_sql())


def has(schema: Any, path: Sequence[str]) -> bool:
    """Return whether an Arrow schema, or the fields of a struct, have a nested field."""
    import pyarrow as pa

    if not isinstance(schema, pa.Schema | pa.StructType):
        return False
    fields = {field.name: field.type for field in schema}
    name, *rest = path
    return name in fields and (not rest or has(fields[name], rest))


@cache
def events_sql() -> str:
    """Return the SQL with the words that depend on what an export has."""
    text = files(__package__).joinpath("events.sql").read_text()
    # an @ in a comment is none of them
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def declared(events: Any) -> Any:
    """Return the events with the declared columns alone."""
    schema = EVENTS.schema()
    fields = [schema.field(name) for name in EVENTS.columns]
    return events.select(list(EVENTS.columns)).cast(schema_of(fields))


def schema_of(fields: Sequence[Any]) -> Any:
    """Return the Arrow schema of some fields."""
    import pyarrow as pa

    return pa.schema(fields)


def parted(events: Any) -> tuple[Any, list[Rejected]]:
    """Return the events that have a time and a name, and what does not fit.

    A value that is no amount of money is left empty; its event stays.
    """
    import pyarrow.compute as pc

    is_whole = pc.and_(*(events.column(name).is_valid() for name in REQUIRED))
    is_odd = pc.and_(events.column("given_value").is_valid(), events.column("value").is_null())
    rejected = [
        Rejected(EVENTS.name, "", "event_timestamp or event_name is missing", as_json(row))
        for row in events.filter(pc.invert(is_whole)).to_pylist()
    ] + [
        Rejected(
            EVENTS.name,
            "value",
            f"value is not a money: '{row['given_value']:g}', left empty",
            as_json(row),
        )
        for row in events.filter(pc.and_(is_whole, is_odd)).to_pylist()
    ]
    return declared(events.filter(is_whole) if rejected else events), rejected


SOURCE = Source(
    tables=TABLES,
    settings=("GA4_EXPORT_PATH",),
    collect=collect,
    restates="3 days, changed files",
    has_days=True,
    check=check,
)
