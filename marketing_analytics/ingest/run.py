"""One run: collect the sources side by side, load each as it is ready, report.

A failing source does not stop the others; what it had collected is loaded all the same.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from marketing_analytics.core import clock
from marketing_analytics.core.console import Console, bug_in
from marketing_analytics.core.errors import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_PARTLY_APPLIED,
    DiskFullError,
    PlatformError,
)
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.ingest.engine.erased import erased_with
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.persons import check_key, key_of
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.trust.shrinkage import Guard
from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.ingest.progress import Writing, lines_of
from marketing_analytics.ingest.raw.database import RawDatabase
from marketing_analytics.ingest.raw.erasures import erased_pseudonyms
from marketing_analytics.ingest.raw.journal import Journal
from marketing_analytics.ingest.raw.places import check_name
from marketing_analytics.ingest.request import Request, check_sources

SCHEMA_VERSION = 1
REFRESH_SECONDS = 0.25
# of so many rows a load costs less than keeping them
PACKAGE_ROWS = 100_000


@dataclass
class SourceResult:
    """What became of one source."""

    source: str
    rows: int = 0
    rejected: int = 0
    windows: int = 0
    windows_planned: int = 0
    seconds: float = 0.0
    errors: list[PlatformError] = field(default_factory=list)
    has_readable_account: bool = False
    differences: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Return ok, partial (something was not read or did not fit) or failed."""
        if not self.errors:
            return "partial" if self.rejected else "ok"
        return "partial" if self.windows or self.has_readable_account else "failed"

    def as_json(self) -> dict[str, Any]:
        """Return the form of the `--json` output."""
        return {
            "source": self.source,
            "status": self.status,
            "rows": self.rows,
            "rejected": self.rejected,
            "windows": self.windows,
            "windows_planned": self.windows_planned,
            "seconds": round(self.seconds, 3),
            "differences": self.differences,
            "errors": [
                {"message": redact(error.message, secrets_of()), "hint": error.hint or None}
                for error in self.errors
            ],
        }


def ingest(request: Request, console: Console) -> list[SourceResult]:
    """Run the sources of a request; raise only for what concerns all of them."""
    sources = {name: load_source(name) for name in request.sources}
    check_sources(sources, request.settings)
    key = key_of(request.settings)
    check_name(request.place, source_names())
    import_modules(sources.values())
    for note in request.notes:
        console.note(note)
    lock_wait_seconds = request.seconds("INGEST_LOCK_WAIT_SECONDS")
    with owner_only(), ends_on_sigterm(), request.place.writer_lock(lock_wait_seconds):
        database = RawDatabase(request.place, wait_seconds=lock_wait_seconds)
        with database.open():
            stored = database.prepare({name: source.tables for name, source in sources.items()})
            database.declare({name: load_source(name).tables for name in source_names()})
            with database.open() as connection:
                erased = erased_with(erased_pseudonyms(connection), request.settings)
        for name, source in sources.items():
            if key and source.has_persons:
                check_key(name, key, stored[name].state)
                # noted at once: what is read first may tell of nobody
                stored[name].state["pseudonym_key"] = key.mark
        if request.backfill:
            request.backfill.begin(stored[request.sources[0]].state)
        jobs = {
            name: Job(
                source=name,
                key=key,
                erased=erased,
                settings=request.settings,
                since=request.first_day(name),
                now=clock.now(),
                state=stored[name].state,
                guard=Guard(stored[name].counts, is_accepting=request.is_accepting_shrinkage),
                limits=request.limits,
                scratch=database.working,
                is_reread=request.is_reread,
                backfill=request.backfill,
            )
            for name in request.sources
        }
        return Run(database, sources, jobs, console).results()


def import_modules(sources: Iterable[Source]) -> None:
    """Import what is slow to import, before there are threads.

    Two threads that import parts of dlt at the same time can lock each other out.
    """
    for name in (
        "marketing_analytics.ingest.raw.dlt_settings",
        *(name for source in sources for name in source.modules),
    ):
        import_module(name)


@contextmanager
def owner_only() -> Iterator[None]:
    """Create files with mode 600 and folders with 700: raw rows name persons."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """End as after ^C when asked to by another process; only a main thread hears of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise KeyboardInterrupt("asked to end (SIGTERM)")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Run:
    """The jobs of a run while they go on."""

    def __init__(
        self,
        database: RawDatabase,
        sources: dict[str, Source],
        jobs: dict[str, Job],
        console: Console,
    ) -> None:
        self.database = database
        self.journal = Journal(database, {name: one.tables for name, one in sources.items()})
        self.sources = sources
        self.jobs = jobs
        self.console = console
        self.loaded_at = datetime.now(UTC)
        self.started = time.monotonic()
        self.loaded: Counter[str] = Counter()
        self.loaded_windows: Counter[str] = Counter()
        self.broken: dict[str, PlatformError] = {}
        self.writing: Writing | None = None

    def results(self) -> list[SourceResult]:
        """Collect and load everything; return one result per source, in the order asked for."""
        found: dict[str, SourceResult] = {}
        self.journal.begin()
        with (
            self.console.progress(self._progress),
            ThreadPoolExecutor(len(self.jobs), "collect") as pool,
        ):
            futures = {pool.submit(self._collect, job): job for job in self.jobs.values()}
            try:
                for future in self._as_completed(set(futures)):
                    job = futures[future]
                    found[job.source] = self._finish(job, future)
            except BaseException:
                self._stop(pool)
                raise
        return [found[name] for name in self.jobs]

    def _stop(self, pool: ThreadPoolExecutor) -> None:
        for job in self.jobs.values():
            job.stop.set()
        pool.shutdown(wait=True, cancel_futures=True)

    def _collect(self, job: Job) -> None:
        """Collect one source; what goes wrong is noted in the job."""
        source = self.sources[job.source]
        job.declare(source.tables)
        try:
            source.collect(job)
        except PlatformError as error:
            job.fail(error)
        except Exception as error:
            job.fail(bug_in(f"the source {job.source}", error))

    def _as_completed(self, pending: set[Future[None]]) -> Any:
        while pending:
            finished, pending = wait(pending, REFRESH_SECONDS, FIRST_COMPLETED)
            self._pass_notes_on()
            self._load_full_packages()
            yield from finished

    def _load_full_packages(self) -> None:
        """Load what is complete while the rest is read: it need not wait in memory."""
        for job in self.jobs.values():
            if job.pending_rows >= PACKAGE_ROWS:
                with self._writing(job):
                    self._load(job)

    @contextmanager
    def _writing(self, job: Job) -> Iterator[None]:
        """Let the progress say that what a job kept is being written."""
        self.writing = Writing(job.source, job.pending_rows)
        try:
            yield
        finally:
            self.writing = None

    def _load(self, job: Job) -> None:
        """Load what a job kept. After a load that failed, nothing of the source is loaded."""
        package = job.take()
        if job.source in self.broken:
            return
        try:
            self.database.load(package, self.loaded_at)
        except PlatformError as error:
            # the notes of later packages would say that these rows are there
            self.broken[job.source] = error
            job.stop.set()
            return
        self.loaded[job.source] += package.row_count
        self.loaded_windows[job.source] += package.window_count

    def _finish(self, job: Job, future: Future[None]) -> SourceResult:
        """Load the rest of what a job kept, and return its result."""
        future.result()
        job.end()
        with ExitStack() as stack:
            stack.enter_context(self._writing(job))
            # one connection for all; where it cannot be had, each says so
            with suppress(PlatformError):
                stack.enter_context(self.database.open())
            self._load(job)
            return self._noted(job)

    def _noted(self, job: Job) -> SourceResult:
        """Write what became of a source into the journal, and return it."""
        failed = self.broken.get(job.source)
        errors = distinct([*([failed] if failed else []), *job.failures])
        result = SourceResult(
            job.source,
            self.loaded[job.source],
            job.rejected_count,
            self.loaded_windows[job.source],
            job.windows_planned,
            time.monotonic() - self.started,
            errors,
            has_readable_account=job.has_readable_account,
            differences=job.differences,
        )
        try:
            self.journal.end(result.as_json())
        except PlatformError as error:
            result.errors.append(error)
        return result

    def _pass_notes_on(self) -> None:
        for job in self.jobs.values():
            while not job.notes.empty():
                self.console.note(job.notes.get(), indent="  ")

    def _progress(self) -> list[str]:
        seconds = time.monotonic() - self.started
        return lines_of(list(self.jobs.values()), seconds, self.writing)


def distinct(errors: list[PlatformError]) -> list[PlatformError]:
    """Return the errors without those that say the same; a disk is full only once."""
    found: dict[str, PlatformError] = {}
    for error in errors:
        said = "full" if isinstance(error, DiskFullError) else error.message
        found.setdefault(said, error)
    return list(found.values())


def exit_code_of(results: list[SourceResult]) -> int:
    """Return 0 when all is well, 5 when some data was loaded or did not fit, else what failed.

    When nothing was loaded and all sources failed alike, that exit code is given (4: access).
    """
    errors = [error for result in results for error in result.errors]
    if all(result.status == "ok" for result in results):
        return EXIT_OK
    if any(result.status != "failed" for result in results):
        return EXIT_PARTLY_APPLIED
    codes = {error.exit_code for error in errors}
    return codes.pop() if len(codes) == 1 else EXIT_FAILED


def report(results: list[SourceResult], request: Request, seconds: float) -> dict[str, Any]:
    """Return the document of `--json`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "raw_database": str(request.place),
        "business_date": str(clock.today()),
        "since": str(request.since),
        "seconds": round(seconds, 3),
        "exit_code": exit_code_of(results),
        "sources": [result.as_json() for result in results],
        "left_out": {source: list(names) for source, names in request.left_out.items()},
    }
