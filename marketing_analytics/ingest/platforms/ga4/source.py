"""Google Analytics 4, from its BigQuery event export: as Parquet files, or in BigQuery itself.

A day is read when it is new or changed: late events arrive in days already loaded. The last
three days are always read again. Export schema: developers.google.com/analytics/bigquery.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from marketing_analytics.core.errors import TerminalError, UserError
from marketing_analytics.ingest.access.google import CREDENTIALS_FILE
from marketing_analytics.ingest.engine.backfill import Planned
from marketing_analytics.ingest.engine.job import Built, Job
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import DoubtfulError
from marketing_analytics.ingest.engine.windows import Window
from marketing_analytics.ingest.platforms.ga4.bigquery import ADDRESS, DATASET, Dataset
from marketing_analytics.ingest.platforms.ga4.flatten import flatten
from marketing_analytics.ingest.platforms.ga4.layout import DayExport, Export, Folder
from marketing_analytics.ingest.platforms.ga4.tables import EVENTS, TABLES

FOLDER = "GA4_EXPORT_PATH"
# Google takes hits of up to 72 hours ago
LOOKBACK_DAYS = 3


def collect(job: Job) -> None:
    """Read the days that are new, changed or recent."""
    with export_of(job) as export:
        read_due(job, export)


@contextmanager
def export_of(job: Job) -> Iterator[Export]:
    """Yield the export that the settings name. Raise UserError when they name two."""
    if job.settings.get(DATASET) and job.settings.get(FOLDER):
        raise UserError(
            f"{FOLDER} and {DATASET} are both set",
            hint="leave one of them out: they hold the same days",
        )
    if not job.settings.get(DATASET):
        yield Folder(Path(job.setting(FOLDER, purpose="folder of the daily export")))
        return
    with closing(Dataset(job)) as dataset:
        yield dataset


def read_due(job: Job, export: Export) -> None:
    """Read the days of an export that are due."""
    due = [found for found in export.days() if is_due(job, found)]
    size = export.days_at_once
    chunks = [due[i : i + size] for i in range(0, len(due), size)]
    planned = [Planned(EVENTS.name, "", Window(one.day, one.day)) for one in due]
    if job.is_only_planned(planned):
        return
    job.plan(len(due))
    job.each(chunks, partial(read_chunk, job, export), workers=1)


def check(job: Job) -> list[tuple[str, str]]:
    """Return the span of the days that are there; their rows are not read."""
    with export_of(job) as export:
        days = export.days()
    return [("", f"{len(days):,} days, {days[0].day} to {days[-1].day}")]


def is_due(job: Job, export: DayExport) -> bool:
    """Return whether a day is new, changed, or recent enough to change again."""
    today = job.now.date()
    if not job.since <= export.day <= today:
        return False
    if job.backfill:
        return job.backfill.is_due(EVENTS.name, "", export.day)
    if job.is_reread or today - export.day <= timedelta(days=LOOKBACK_DAYS):
        return True
    return bool(job.state.get("files", {}).get(str(export.day)) != export.fingerprint)


def read_chunk(job: Job, export: Export, chunk: Sequence[DayExport]) -> None:
    """Read some days; when one of them cannot be read the others are read one by one."""
    try:
        job.keep_built(read_days(export, chunk), lambda: note_read(job, chunk))
    except TerminalError as error:
        if len(chunk) == 1 or isinstance(error, DoubtfulError):
            raise
        for found in chunk:
            try:
                read_chunk(job, export, [found])
            except TerminalError as error:
                job.fail(error)
        return
    job.done(len(chunk))


def note_read(job: Job, chunk: Sequence[DayExport]) -> None:
    """Note which files of some days were read."""
    for found in chunk:
        job.state.setdefault("files", {})[str(found.day)] = found.fingerprint
        job.mark(EVENTS.name, "", Window(found.day, found.day), job.now.date())


def read_days(export: Export, chunk: Sequence[DayExport]) -> list[Built]:
    """Return the rows of all tables of some days."""
    import duckdb

    parts = tuple((found.day,) for found in chunk)
    connection = duckdb.connect()
    try:
        export.attach(connection, chunk)
        return [
            Built(table, rows, parts, rejected) for table, rows, rejected in flatten(connection)
        ]
    except duckdb.Error as error:
        names = ", ".join(sorted({chunk[0].paths[0].name, chunk[-1].paths[-1].name}))
        raise TerminalError(
            f"cannot read the GA4 export {names} of {chunk[0].day}: {str(error).splitlines()[0]}",
            hint="export the day again; the other days are loaded",
        ) from None
    finally:
        connection.close()


SOURCE = Source(
    tables=TABLES,
    settings=(FOLDER,),
    optional_settings=(DATASET, CREDENTIALS_FILE, ADDRESS),
    instead={DATASET: (FOLDER,)},
    collect=collect,
    restates="3 days, changed files",
    has_days=True,
    check=check,
)
