"""The GA4 export in BigQuery itself: its tables are read as they are, without a query.

`tabledata.list` costs nothing and needs no right to run jobs. A table becomes the nested Arrow
table that its Parquet export would be, so that the same SQL flattens it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.errors import (
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
    UserError,
)
from marketing_analytics.ingest.access.google import error_of, file_token
from marketing_analytics.ingest.engine.answers import Cursors, part, records, whole_number
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.platforms.ga4.layout import DayExport, as_date

if TYPE_CHECKING:
    import httpx

DATASET = "GA4_BIGQUERY_DATASET"
ADDRESS = "GA4_BIGQUERY_BASE_URL"
DEFAULT_ADDRESS = "https://bigquery.googleapis.com/bigquery/v2"
SCOPE = "https://www.googleapis.com/auth/bigquery.readonly"
NAME = re.compile(r"(?P<project>[a-z][a-z0-9.:-]+)\.(?P<dataset>\w+)")
TABLE = re.compile(r"events_(?P<intraday>intraday_)?(?P<day>\d{8})")
# columns that the raw tables are made of; the others need not travel
COLUMNS = (
    "event_timestamp",
    "event_name",
    "event_params",
    "user_pseudo_id",
    "user_id",
    "collected_traffic_source",
    "device",
    "geo",
    "privacy_info",
    "items",
    "user_properties",
)
PAGE_ROWS = 10_000
LIST_ROWS = 1_000
# reasons of a 403 that pass
PASSING = frozenset({"rateLimitExceeded", "quotaExceeded", "backendError"})

Decode = Callable[[Any], Any]


class Dataset:
    """The tables of one GA4 property, a table a day."""

    # a large property has millions of events a day
    days_at_once = 1

    def __init__(self, job: Job) -> None:
        given = job.setting(DATASET)
        found = NAME.fullmatch(given)
        if not found:
            raise UserError(
                f"{DATASET} is not the name of a dataset: {given!r}",
                hint="write it like my-project.analytics_123456789",
            )
        self.path = f"/projects/{found['project']}/datasets/{found['dataset']}/tables"
        self.job = job
        self.described: dict[str, dict[str, Any]] = {}
        self.governor = Governor(
            "BigQuery",
            job.settings.get(ADDRESS) or DEFAULT_ADDRESS,
            setting=ADDRESS,
            limits=job.limits,
            stop=job.stop,
            classify=classify,
            token=file_token(job, SCOPE),
            on_wait=job.notes.put,
        )

    def close(self) -> None:
        """Close the connections."""
        self.governor.close()

    def days(self) -> list[DayExport]:
        """Return the days that are wanted and there. Raise TerminalError where there is none."""
        tables = self.tables()
        if not tables:
            raise TerminalError(
                f"there is no table of a day in {self.job.setting(DATASET)}",
                hint=f"its tables are named events_YYYYMMDD; check {DATASET}",
            )
        wanted = {
            day: name
            for day, name in tables.items()
            if self.job.since <= day <= self.job.now.date()
        }
        self.job.each(list(wanted.values()), self.describe)
        return [
            DayExport(day, (PurePosixPath(name),), fingerprint(self.described[name]))
            for day, name in sorted(wanted.items())
            if name in self.described
        ]

    def tables(self) -> dict[date, str]:
        """Return the table of every day; an intraday table stands until the day is there."""
        found: dict[date, str] = {}
        for body in self.pages(self.path, {"maxResults": LIST_ROWS}):
            for table in records(body, "tables", self.path):
                name = str(part(table, "tableReference", self.path).get("tableId"))
                match = TABLE.fullmatch(name)
                day = as_date(match["day"]) if match else None
                if match and day and not (match["intraday"] and day in found):
                    found[day] = name
        return found

    def describe(self, name: str) -> None:
        """Read what a table is: its columns, its rows, when it changed."""
        self.described[name] = self.governor.get(f"{self.path}/{name}")

    def attach(self, connection: Any, chunk: Sequence[DayExport]) -> None:
        """Make the view `exported` of the tables of some days."""
        import pyarrow as pa

        tables = [self.read(export) for export in chunk]
        connection.register("exported", pa.concat_tables(tables, promote_options="default"))

    def read(self, export: DayExport) -> Any:
        """Return the rows of a day as an Arrow table, nested as they are."""
        import pyarrow as pa

        name = export.paths[0].name
        path = f"{self.path}/{name}/data"
        schema = part(self.described[name], "schema", path)
        fields = [f for f in records(schema, "fields", path) if f.get("name") in COLUMNS]
        names = [str(field["name"]) for field in fields]
        params = {"maxResults": PAGE_ROWS, "selectedFields": ",".join(names)}
        decoders = [decoder(field) for field in fields]
        target = pa.schema([(str(field["name"]), arrow_type(field)) for field in fields])
        batches = []
        total = 0
        for body in self.pages(path, params):
            total = whole_number(body, "totalRows", path)
            rows = records(body, "rows", path)
            batches.append(batch_of(rows, decoders, target, path))
        table = pa.Table.from_batches(batches, target)
        if table.num_rows != total:
            raise TerminalError(f"BigQuery gave {table.num_rows:,} of {total:,} rows of {name}")
        days = pa.repeat(pa.scalar(export.day), table.num_rows)
        return table.append_column("export_date", days)

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the pages of a list."""
        cursors = Cursors(path)
        asked = dict(params)
        while True:
            body = self.governor.get(path, asked)
            yield body
            # a list of tables calls it nextPageToken
            cursor = body.get("pageToken") or body.get("nextPageToken")
            if not cursor:
                return
            cursors.check(str(cursor))
            asked["pageToken"] = cursor


def fingerprint(table: Mapping[str, Any]) -> str:
    """Return a text that changes when a table does."""
    text = f"{table.get('id')} {table.get('lastModifiedTime')} {table.get('numRows')}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def arrow_type(field: Mapping[str, Any]) -> Any:
    """Return the Arrow type of a column; what is not known here stays text."""
    import pyarrow as pa

    if field.get("type") in {"RECORD", "STRUCT"}:
        inner = pa.struct([(f["name"], arrow_type(f)) for f in field.get("fields", ())])
    else:
        plain = {
            "INTEGER": pa.int64(),
            "INT64": pa.int64(),
            "FLOAT": pa.float64(),
            "FLOAT64": pa.float64(),
            "BOOLEAN": pa.bool_(),
            "BOOL": pa.bool_(),
        }
        inner = plain.get(str(field.get("type")), pa.string())
    return pa.list_(inner) if field.get("mode") == "REPEATED" else inner


def decoder(field: Mapping[str, Any]) -> Decode:
    """Return what makes a value of a column from its JSON: all plain values are text there."""
    if field.get("type") in {"RECORD", "STRUCT"}:
        inner = record_decoder(field.get("fields", ()))
    else:
        plain: dict[str, Decode] = {
            "INTEGER": int,
            "INT64": int,
            "FLOAT": float,
            "FLOAT64": float,
            "BOOLEAN": lambda text: text == "true",
            "BOOL": lambda text: text == "true",
        }
        inner = plain.get(str(field.get("type")), str)
    if field.get("mode") == "REPEATED":
        return lambda values: [None if (v := one["v"]) is None else inner(v) for one in values]
    return inner


def record_decoder(fields: Sequence[Mapping[str, Any]]) -> Decode:
    """Return what makes a record from its JSON."""
    inner = [(str(field["name"]), decoder(field)) for field in fields]

    def decode(value: Any) -> dict[str, Any]:
        return {
            name: None if (v := cell["v"]) is None else read(v)
            for (name, read), cell in zip(inner, value["f"], strict=True)
        }

    return decode


def batch_of(
    rows: Sequence[Mapping[str, Any]], decoders: Sequence[Decode], schema: Any, path: str
) -> Any:
    """Return rows as an Arrow batch. Raise TerminalError where they are not of the schema."""
    import pyarrow as pa

    try:
        cells = [[cell["v"] for cell in row["f"]] for row in rows]
        columns = list(zip(*cells, strict=True)) or [()] * len(decoders)
        arrays = [
            pa.array([None if v is None else read(v) for v in column], kind)
            for column, read, kind in zip(columns, decoders, schema.types, strict=True)
        ]
    except (KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise TerminalError(
            f"the answer to {path} has rows of another shape than its table: {error}"
        ) from None
    return pa.record_batch(arrays, schema=schema)


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what a refusal of BigQuery means."""
    status = response.status_code
    error = error_of(response) if status >= 400 else {}
    if not error:
        return None
    details = error.get("errors")
    reasons = {d.get("reason") for d in details or () if isinstance(d, dict)}
    message = f"BigQuery refused: {error.get('message')}"
    if reasons & PASSING or status in {429, 500, 502, 503}:
        return TransientError(message, status_code=status)
    if status in {401, 403}:
        hint = "give the account the role BigQuery Data Viewer on the dataset"
        return AuthError(message, hint=hint, status_code=status)
    return TerminalError(message, hint=f"check {DATASET}", status_code=status)
