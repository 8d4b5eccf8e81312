"""One source's part of a run: what it is given, what it collected, how far it is.

Collected rows and the notes on what was read belong together at every moment. So a package can
be taken and loaded at any time: while the source reads on, and after it failed.
"""

from __future__ import annotations

import copy
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from marketing_analytics.core.console import bug_in
from marketing_analytics.core.errors import (
    AuthError,
    DiskFullError,
    MachineError,
    MissingSettingError,
    PlatformError,
    TerminalError,
)
from marketing_analytics.ingest.engine.backfill import STATE, Backfill, Planned
from marketing_analytics.ingest.engine.chunks import Chunks
from marketing_analytics.ingest.engine.erased import Erased
from marketing_analytics.ingest.engine.governor import AccountError, Limits
from marketing_analytics.ingest.engine.persons import (
    KEY_SETTING,
    PERSONS,
    REJECTED_ROWS,
    Key,
    parted,
    replaced,
    restricted,
)
from marketing_analytics.ingest.engine.progress import ByAccount
from marketing_analytics.ingest.engine.tables import (
    REJECTED,
    DoubtfulError,
    Part,
    Rejected,
    Table,
    build,
    count_parts,
    tombstones,
    within,
)
from marketing_analytics.ingest.engine.trust.shrinkage import Guard, ShrunkError
from marketing_analytics.ingest.engine.windows import Coverage, Window

T = TypeVar("T")


@dataclass(frozen=True)
class Piece:
    """An answer for one table: its columns, the rows as received, and all that they replace."""

    table: Table
    columns: Mapping[str, Sequence[Any]]
    raw: Sequence[Any] | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Built:
    """Arrow rows of one table as declared, all that they replace, and what did not fit."""

    table: Table
    rows: Any
    parts: tuple[Part, ...] = ()
    rejected: Sequence[Rejected] = ()


class Reconcile(Protocol):
    """Returns the totals to keep beside rows, and a doubt where they differ too much."""

    def __call__(self, built: Any, *, is_sure: bool) -> tuple[Piece, DoubtfulError | None]: ...


@dataclass(frozen=True)
class Package:
    """What is loaded at once: batches by table, and the state that is true with them."""

    source: str
    batches: dict[Table, list[Any]]
    state: dict[str, Any]
    row_count: int
    window_count: int
    # plain values, for tables that few may read
    persons: dict[Table, list[Any]] = field(default_factory=dict)

    def of_persons(self) -> Package:
        """Return what belongs into the restricted tables."""
        batches = {table: batches for table, batches in self.persons.items() if batches}
        return Package(restricted(self.source), batches, {}, 0, 0)


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
    backfill: Backfill | None = None
    guard: Guard = field(default_factory=Guard)
    key: Key | None = None
    erased: Erased = field(default_factory=Erased)
    persons: dict[Table, list[Any]] = field(default_factory=dict)
    # where rows may wait that need not be in memory
    scratch: Path | None = None
    batches: dict[Table, list[Any]] = field(default_factory=dict)
    failures: list[PlatformError] = field(default_factory=list)
    # accounts that cannot be read, and why
    lost: dict[str, PlatformError] = field(default_factory=dict)
    has_readable_account: bool = False
    # where rows do not add up to an account's own totals
    differences: list[str] = field(default_factory=list)
    rejected_count: int = 0
    progress: ByAccount = field(default_factory=ByAccount)
    notes: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    pending_rows: int = 0
    pending_windows: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

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
                self.batches.setdefault(table.stored, [])

    @property
    def row_count(self) -> int:
        """Return the rows that were read."""
        return self.progress.whole.rows

    @property
    def windows_planned(self) -> int:
        """Return the windows that are to be read."""
        return self.progress.whole.planned

    @property
    def windows_done(self) -> int:
        """Return the windows that were read."""
        return self.progress.whole.done

    def plan(self, count: int, account_id: str = "") -> None:
        """Announce more windows to read."""
        with self._lock:
            self.progress.plan(count, account_id)

    def done(self, count: int = 1, account_id: str = "") -> None:
        """Count windows as read."""
        with self._lock:
            self.progress.read(count, account_id)
            self.pending_windows += count

    def add(
        self,
        table: Table,
        columns: Mapping[str, Sequence[Any]],
        *,
        raw: Sequence[Any] | None = None,
        parts: Iterable[Part] = (),
    ) -> None:
        """Keep rows for the load; `parts` names everything that these rows replace."""
        self.keep([Piece(table, columns, raw, tuple(parts))])

    def keep(
        self,
        pieces: Sequence[Piece],
        note: Callable[[], None] = lambda: None,
        reconcile: Reconcile | None = None,
    ) -> None:
        """Keep answers that belong together, and call `note` to say what was read: all or none.

        `reconcile` compares the first of them with totals, to be kept too. Raise a DoubtfulError
        when an answer is not to be believed; what it would not replace is kept even so, but not
        noted as read.
        """
        kept = [as_built(piece) for piece in pieces]
        with self._lock:
            self._check_all(kept)
            doubt = None
            if reconcile:
                # what does not fit explains a difference
                is_sure = any(one.rejected for one in kept)
                totals, doubt = reconcile(kept[0].rows, is_sure=is_sure)
                kept.append(
                    Built(totals.table, build(totals.table, totals.columns)[0], totals.parts)
                )
            if doubt and any(self.guard.has(piece.table, piece.parts) for piece in pieces):
                raise doubt
            for one in kept:
                self._append(one.table, one.rows, one.parts)
                self._reject(one.table, one.rejected)
            if doubt:
                raise doubt
            note()

    def keep_whole(self, tables: Sequence[Chunks]) -> None:
        """Keep tables that came in chunks, all of them or none."""
        self.keep_built(
            [Built(chunks.table, chunks.whole(), rejected=chunks.rejected) for chunks in tables]
        )

    def keep_built(self, built: Sequence[Built], note: Callable[[], None] = lambda: None) -> None:
        """Keep Arrow tables that belong together for the load, as `keep` does."""
        with self._lock:
            self._check_all(built)
            for one in built:
                self._append(one.table, one.rows, one.parts)
                self._reject(one.table, one.rejected)
            note()

    def _check_all(self, kept: Sequence[Built]) -> None:
        """Raise ShrunkError for the first that shrank, after all of them were noted."""
        errors = []
        for one in kept:
            try:
                self._check(one.table, one.rows, one.parts)
            except ShrunkError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _check(self, table: Table, built: Any, parts: Sequence[Part]) -> None:
        if table.mode == "merge":
            return
        held = self.state.setdefault("held", {})
        found = count_parts(table, built)
        self.guard.check(table, parts if table.mode == "parts" else [()], found, held)

    def _append(self, table: Table, built: Any, parts: Sequence[Part]) -> None:
        # parts of days are an account's
        built = self.erased.without(table, built)
        is_of_account = bool(parts) and len(table.part_by) > 1
        account_id = str(parts[0][0]) if is_of_account else ""
        self.progress.add_rows(built.num_rows, account_id)
        self.pending_rows += built.num_rows
        if table.personal:
            built, persons = replaced(table, built, self._key())
            self.persons.setdefault(PERSONS, []).append(persons)
            table = table.stored
        extra = tombstones(table, built, parts) if table.mode == "parts" else []
        self.batches.setdefault(table, []).extend([built, *extra])

    def _key(self) -> Key:
        """Return the key of pseudonyms or raise MissingSettingError."""
        if self.key is None:
            raise MissingSettingError(KEY_SETTING, purpose="pseudonyms of persons")
        return self.key

    def take(self) -> Package:
        """Return all that was kept since the last time, with the state that goes with it."""
        with self._lock:
            package = Package(
                self.source,
                self.batches,
                copy.deepcopy(self.state),
                self.pending_rows,
                self.pending_windows,
                self.persons,
            )
            self.batches, self.persons = {}, {}
            self.pending_rows = self.pending_windows = 0
        return package

    def _reject(self, table: Table, rejected: Sequence[Rejected]) -> None:
        rejected = self.erased.without_rejected(table, rejected)
        if not rejected:
            return
        with self._lock:
            self.rejected_count += len(rejected)
            if table.personal:
                rows, as_received = parted(self._key(), rejected)
                self.persons.setdefault(REJECTED_ROWS, []).append(as_received)
            else:
                rows = [row.as_row() for row in rejected]
            columns = {name: [row[name] for row in rows] for name in REJECTED.columns}
            self.batches.setdefault(REJECTED, []).append(build(REJECTED, columns)[0])

    def coverage(self, report: str, account_id: str) -> Coverage:
        """Return what was read so far of one report and account."""
        if self.backfill:
            return self.backfill.coverage(report, account_id)
        if self.is_reread:
            return Coverage()
        return Coverage.from_state(self._spans(report).get(account_id, []))

    def mark(self, report: str, account_id: str, window: Window, read_on: date) -> None:
        """Note a window as read; it is stored together with the rows."""
        with self._lock:
            coverage = Coverage.from_state(self._spans(report).get(account_id, []))
            coverage.mark(window, read_on)
            self._spans(report)[account_id] = coverage.to_state()
            self.note_read(report, account_id)
            if self.backfill:
                self.backfill.mark(report, account_id, window, read_on)

    def note_read(self, report: str, account_id: str = "", campaign_id: str = "") -> None:
        """Note that a report was read now; "" stands for all reports, accounts or campaigns."""
        with self._lock:
            read_at = self.state.setdefault("read_at", {}).setdefault(report, {})
            read_at[f"{account_id}/{campaign_id}"] = self.now.isoformat()

    def is_only_planned(self, planned: Iterable[Planned]) -> bool:
        """Note what would be read; return whether that is all that is wanted to know."""
        if not (self.backfill and self.backfill.is_dry):
            return False
        with self._lock:
            self.backfill.planned += planned
        return True

    def end(self) -> None:
        """Note that the source was read as a whole, where it was.

        A backfill forgets how far it was, once all of it was read; accounts that are none are
        named.
        """
        if not self.backfill:
            if not self.failures:
                self.note_read("")
                # state is stored with a table only
                self.declare(())
            return
        if error := self.backfill.refusal(self.lost):
            self.fail(error)
        if not self.failures:
            # a key that is absent would stay as it is stored; and it is stored with a table only
            self.state[STATE] = {}
            self.declare(())

    def forget(self, report: str, account_id: str, days: Iterable[date]) -> None:
        """Note that days changed since they were read: they are read again."""
        with self._lock:
            coverage = Coverage.from_state(self._spans(report).get(account_id, []))
            for day in days:
                coverage.read_on.pop(day, None)
            self._spans(report)[account_id] = coverage.to_state()

    def _spans(self, report: str) -> dict[str, list[list[str]]]:
        spans: dict[str, list[list[str]]] = self.state.setdefault("coverage", {}).setdefault(
            report, {}
        )
        return spans

    def each_account(
        self, items: Sequence[T], read: Callable[[T], None], id_of: Callable[[T], str]
    ) -> None:
        """Read something of accounts side by side; an account that cannot be read is lost."""

        def read_one(item: T) -> None:
            if id_of(item) in self.lost:
                return
            try:
                read(item)
            except AccountError as error:
                self.lose(id_of(item), error)
            except TerminalError as error:
                if not isinstance(error, AuthError):
                    error.message = f"account {id_of(item)}: {error.message}"
                raise
            else:
                self.has_readable_account = True

        self.each(items, read_one)

    def lose(self, account_id: str, error: PlatformError, what: str = "account") -> None:
        """Note that an account cannot be read; the others go on."""
        with self._lock:
            if account_id not in self.lost:
                error.message = f"{what} {account_id}: {error.message}"
                self.lost[account_id] = error
                self.failures.append(error)

    def fail(self, error: PlatformError) -> None:
        """Note a failure that leaves the rest of the source alone."""
        with self._lock:
            self.failures.append(error)

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
                self.fail(error)
            elif isinstance(error, Exception):
                self.fail(bug_in(f"the source {self.source}", error))
            elif error is not None:
                raise error


def as_built(piece: Piece) -> Built:
    """Return an answer in the declared columns, and what of it did not fit or was not asked for."""
    rows, rejected = build(piece.table, piece.columns, piece.raw)
    if piece.parts:
        rows, outside = within(piece.table, rows, piece.parts)
        rejected = [*rejected, *outside]
    return Built(piece.table, rows, piece.parts, rejected)


def ends_all(future: Future[None]) -> bool:
    """Return whether a failure would hit every other item too."""
    error = None if future.cancelled() else future.exception()
    if isinstance(error, DiskFullError):
        return True
    if not isinstance(error, PlatformError) or isinstance(error, MachineError | AccountError):
        return False
    return isinstance(error, AuthError) or not isinstance(error, TerminalError)
