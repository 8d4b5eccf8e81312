"""Google Analytics 4, from its BigQuery event export as daily Parquet files.

A day is read when its file is new or changed: late events arrive in days already loaded. The
last three days are always read again. Export schema: developers.google.com/analytics/bigquery.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import TerminalError, UserError
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import DoubtfulError, Rejected, Table, as_json, within

# Google takes hits of up to 72 hours ago
LOOKBACK_DAYS = 3
FILES_AT_ONCE = 30
FILE_NAME = re.compile(r"events_(\d{8})\.parquet")

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
)
TABLES = (EVENTS,)
REQUIRED = ("event_timestamp_us", "event_name")


@dataclass(frozen=True)
class DayFile:
    """The export of one day; `fingerprint` changes when the file does."""

    day: date
    path: Path
    fingerprint: str


def collect(job: Job) -> None:
    """Read the days that are new, changed or recent."""
    folder = Path(job.setting("GA4_EXPORT_PATH", purpose="folder of the daily export files"))
    found = day_files(folder)
    if not found:
        raise UserError(
            f"there is no export of a day in {folder}",
            hint="its files are named events_YYYYMMDD.parquet; check GA4_EXPORT_PATH",
        )
    due = [file for file in found if is_due(job, file)]
    chunks = [due[i : i + FILES_AT_ONCE] for i in range(0, len(due), FILES_AT_ONCE)]
    job.plan(len(due))
    job.each(chunks, lambda chunk: read_chunk(job, chunk), workers=1)


def day_files(folder: Path) -> list[DayFile]:
    """Return the daily files of a folder, oldest first; intraday files are left out."""
    if not folder.is_dir():
        raise UserError(
            f"GA4_EXPORT_PATH is not a folder: {folder}",
            hint="name the folder that holds events_YYYYMMDD.parquet",
        )
    found = []
    for path in sorted(folder.iterdir()):
        if match := FILE_NAME.fullmatch(path.name):
            state = path.stat()
            day = datetime.strptime(match[1], "%Y%m%d").date()  # noqa: DTZ007
            found.append(DayFile(day, path, f"{state.st_size}-{state.st_mtime_ns}"))
    return found


def is_due(job: Job, file: DayFile) -> bool:
    """Return whether a day is new, changed, or recent enough to change again."""
    today = job.now.date()
    if not job.since <= file.day <= today:
        return False
    if job.is_reread or today - file.day <= timedelta(days=LOOKBACK_DAYS):
        return True
    return bool(job.state.get("files", {}).get(str(file.day)) != file.fingerprint)


def read_chunk(job: Job, chunk: Sequence[DayFile]) -> None:
    """Read some days; when one of them cannot be read the others are read one by one."""
    try:
        events = read_events([file.path for file in chunk])
        whole, broken = parted(events)
        parts = [(file.day,) for file in chunk]
        asked, strange = within(EVENTS, whole, parts)
        read = {str(file.day): file.fingerprint for file in chunk}
        job.add_built(
            EVENTS,
            asked,
            parts=parts,
            rejected=[*broken, *strange],
            note=lambda: job.state.setdefault("files", {}).update(read),
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


def read_events(paths: Sequence[Path]) -> Any:
    """Return the events of daily files as an Arrow table: the declared columns, `given_value`."""
    import duckdb

    connection = duckdb.connect()
    try:
        query = connection.execute(events_query(), {"files": [str(path) for path in paths]})
        found = query.to_arrow_table()
    except duckdb.Error as error:
        names = ", ".join(sorted({path.name for path in (paths[0], paths[-1])}))
        raise TerminalError(
            f"cannot read the GA4 export {names}: {str(error).splitlines()[0]}",
            hint="export the day again; the other days are loaded",
        ) from None
    finally:
        connection.close()
    return found


def declared(events: Any) -> Any:
    """Return the events with the declared columns alone."""
    schema = EVENTS.schema()
    fields = [schema.field(name) for name in EVENTS.columns]
    return events.select(list(EVENTS.columns)).cast(schema_of(fields))


def schema_of(fields: Sequence[Any]) -> Any:
    """Return the Arrow schema of some fields."""
    import pyarrow as pa

    return pa.schema(fields)


@cache
def events_query() -> str:
    """Return the SQL that flattens the export."""
    return files(__package__).joinpath("events.sql").read_text()


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
)
