"""One source's part of a run: what it is given, what it collected, how far it is.

Collected rows and the notes on what was read belong together at every moment, so whatever a
failing source had collected can be loaded, and the next run reads the rest.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from marketing_analytics.core.errors import (
    AuthError,
    MachineError,
    MissingSettingError,
    PlatformError,
    TerminalError,
)
from marketing_analytics.ingest.engine.governor import Limits
from marketing_analytics.ingest.engine.tables import (
    REJECTED,
    Rejected,
    Table,
    as_json,
    build,
    tombstones,
)
from marketing_analytics.ingest.engine.windows import Coverage, Window

T = TypeVar("T")


@dataclass
class Job:
    """The reading of one source in one run."""

    source: str
    settings: Mapping[str, str]
    since: date
    now: datetime
    state: dict[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    stop: threading.Event = field(default_factory=threading.Event)
    is_reread: bool = False
    batches: dict[Table, list[Any]] = field(default_factory=dict)
    failures: list[PlatformError] = field(default_factory=list)
    rejected_count: int = 0
    row_count: int = 0
    windows_planned: int = 0
    windows_done: int = 0
    notes: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def setting(self, name: str, *, purpose: str = "") -> str:
        """Return a required setting or raise MissingSettingError."""
        value = self.settings.get(name, "")
        if not value:
            raise MissingSettingError(name, purpose=purpose)
        return value

    def declare(self, tables: Iterable[Table]) -> None:
        """Make sure that the tables exist after the load, also without a row."""
        for table in (*tables, REJECTED):
            if table.mode != "replace":
                self.batches.setdefault(table, [])

    def plan(self, count: int) -> None:
        """Announce more windows to read."""
        with self._lock:
            self.windows_planned += count

    def done(self, count: int = 1) -> None:
        """Count windows as read."""
        with self._lock:
            self.windows_done += count

    def add(
        self,
        table: Table,
        columns: Mapping[str, Sequence[Any]],
        *,
        raw: Sequence[Any] | None = None,
        parts: Iterable[tuple[Any, ...]] = (),
    ) -> None:
        """Keep rows for the load; `parts` names everything that these rows replace."""
        built, rejected = build(table, columns, raw)
        self.add_built(table, built, parts=parts)
        if rejected:
            self._reject(rejected)

    def add_built(self, table: Table, built: Any, *, parts: Iterable[tuple[Any, ...]] = ()) -> None:
        """Keep an Arrow table of the declared columns for the load."""
        extra = [tombstones(table, built, parts)] if table.mode == "parts" else []
        with self._lock:
            self.row_count += built.num_rows
            self.batches.setdefault(table, []).extend([built, *(t for t in extra if t.num_rows)])

    def reject(self, table: Table, reason: str, row: Any) -> None:
        """Keep one row that does not fit, as received, with the reason."""
        self._reject([Rejected(table.name, reason, as_json(row))])

    def _reject(self, rejected: Sequence[Rejected]) -> None:
        columns = {name: [getattr(row, name) for row in rejected] for name in REJECTED.columns}
        built, _ = build(REJECTED, columns)
        with self._lock:
            self.rejected_count += len(rejected)
            self.batches.setdefault(REJECTED, []).append(built)

    def coverage(self, report: str, account_id: str) -> Coverage:
        """Return what was read so far of one report and account."""
        if self.is_reread:
            return Coverage()
        return Coverage.from_state(self._spans(report).get(account_id, []))

    def mark(self, report: str, account_id: str, window: Window, read_on: date) -> None:
        """Note a window as read; it is stored together with the rows."""
        with self._lock:
            coverage = Coverage.from_state(self._spans(report).get(account_id, []))
            coverage.mark(window, read_on)
            self._spans(report)[account_id] = coverage.to_state()

    def _spans(self, report: str) -> dict[str, list[list[str]]]:
        spans: dict[str, list[list[str]]] = self.state.setdefault("coverage", {}).setdefault(
            report, {}
        )
        return spans

    def each(self, items: Sequence[T], read: Callable[[T], None], *, workers: int = 0) -> None:
        """Read all items in parallel; a failing one is noted, not raised.

        After a failure that would hit every item (access, outage, budget) no new one starts.
        """
        with ThreadPoolExecutor(workers or self.limits.workers, self.source) as pool:
            futures = [pool.submit(read, item) for item in items]
            pending = set(futures)
            while pending:
                finished, pending = wait(pending, return_when=FIRST_EXCEPTION)
                if any(ends_all(future) for future in finished):
                    pool.shutdown(wait=True, cancel_futures=True)
                    break
            self._note_failures(futures)

    def _note_failures(self, futures: Iterable[Future[None]]) -> None:
        for future in futures:
            error = None if future.cancelled() else future.exception()
            if isinstance(error, PlatformError):
                self.failures.append(error)
            elif error is not None:
                raise error


def ends_all(future: Future[None]) -> bool:
    """Return whether a failure would hit every other item too."""
    error = None if future.cancelled() else future.exception()
    if error is None or isinstance(error, MachineError):
        return False
    return isinstance(error, AuthError) or not isinstance(error, TerminalError)
