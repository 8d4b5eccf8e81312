"""A store on a PostgreSQL server, for several servers of ours at once.

One writes at a time, as with SQLite: a transaction, and a single statement that writes, first takes
an advisory lock of the database. So what reads and then writes needs no other care, and nothing is
tried twice. Who holds the lock and freezes loses its session after ten seconds.

A session that broke is replaced at the next statement outside of a transaction.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.store.databases.dialect import bind, translate
from marketing_analytics.local_cloud.store.databases.interface import Cursor, Value

SCHEMA = "local_dbt_cloud"
LOCK = 7_236_255_120_141_021
TAKE_TURN = f"select pg_advisory_xact_lock({LOCK})"
CONNECT_SECONDS = 3
# after a try that failed, the next one is made so much later: the API must not stand still
PAUSE_SECONDS = 1.0
KEPT_SESSIONS = 8
MAX_COUNTS = 1_000
SNAPSHOT = "select cast(pg_current_snapshot() as text)"
SETTINGS = {
    "search_path": SCHEMA,
    "default_transaction_isolation": "'read committed'",
    "idle_in_transaction_session_timeout": "'10s'",
    "lock_timeout": "'5s'",
    "statement_timeout": "'60s'",
    "timezone": "'UTC'",
    "client_min_messages": "warning",
}
LINE = "\n"
PREFIXES = ("postgresql://", "postgres://")
# SQLSTATE: no such schema or table, no right, not now
MISSING, FORBIDDEN, LOCKED = ("42P01", "3F000"), "42501", "55P03"


@dataclass(frozen=True)
class Database:
    """A database on a server; `url` may hold a password and is never shown.

    `key_folder` holds the key of the secrets.
    """

    url: str = field(repr=False)
    key_folder: Path

    @cached_property
    def parts(self) -> dict[str, str]:
        """Return what the address says. Raise UserError for one that is none."""
        import psycopg2
        from psycopg2.extensions import parse_dsn

        try:
            parts: dict[str, str] = parse_dsn(self.url) if self.url.startswith(PREFIXES) else {}
        except psycopg2.Error:
            parts = {}
        if not is_whole(parts):
            # what is wrong with it may be its password
            raise UserError(
                "the address of the store's database cannot be read",
                hint="such as postgresql://USER@HOST:5432/DATABASE; in a password, write"
                " other signs than letters and digits as %XX",
            )
        return parts

    @property
    def address(self) -> str:
        """Return the address without its password."""
        return f"postgresql://{self.parts.get('user', '')}@{self}".replace("//@", "//")

    def __str__(self) -> str:
        """Return what may be shown of the address."""
        host = self.parts.get("host", "localhost")
        return f"{host}:{self.parts.get('port', '5432')}/{self.parts['dbname']}"


def is_whole(parts: Mapping[str, str]) -> bool:
    """Return whether an address was read as meant.

    A sign in a password that is not written as %XX moves parts of it into others.
    """
    ports = parts.get("port", "5432").split(",")
    name = parts.get("dbname", "")
    return all(port.isdigit() for port in ports) and bool(name) and not set("/@:") & set(name)


class Counts:
    """What was counted in databases, remembered until something is committed.

    Two statements with the same snapshot see the same rows.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Database, tuple[str, dict[Any, int]]] = {}

    def find(self, database: Database, snapshot: str, key: Any) -> int | None:
        """Return what was counted under a snapshot, None when nothing was."""
        with self._lock:
            at, counts = self._kept.get(database, ("", {}))
            return counts.get(key) if at == snapshot else None

    def keep(self, database: Database, snapshot: str, key: Any, count: int) -> None:
        """Remember a count; what was counted under other snapshots is forgotten."""
        with self._lock:
            at, counts = self._kept.get(database, ("", {}))
            if at != snapshot or len(counts) >= MAX_COUNTS:
                counts = {}
            self._kept[database] = snapshot, {**counts, key: count}


class Sessions:
    """Sessions that nobody uses at the moment, by database and by whether they only read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[tuple[Database, bool], list[Any]] = {}
        self._closed_until: dict[Database, float] = {}

    def take(self, database: Database, *, is_reading: bool) -> Any:
        """Return a session. Raise psycopg2.Error when the server does not answer."""
        with self._lock:
            idle = self._idle.get((database, is_reading), [])
            if idle:
                return idle.pop()
        return self._connect(database, is_reading)

    def give_back(self, database: Database, session: Any, *, is_reading: bool) -> None:
        """Keep a session for the next who needs one; close one with an open transaction."""
        from psycopg2.extensions import TRANSACTION_STATUS_IDLE

        with self._lock:
            idle = self._idle.setdefault((database, is_reading), [])
            is_whole = session.info.transaction_status == TRANSACTION_STATUS_IDLE
            if not session.closed and is_whole and len(idle) < KEPT_SESSIONS:
                idle.append(session)
                return
        session.close()

    def forget(self, database: Database) -> None:
        """Close what is kept: one session broke, so all of them may have."""
        with self._lock:
            kept = [self._idle.pop((database, kind), []) for kind in (False, True)]
        for session in (one for some in kept for one in some):
            session.close()

    def _connect(self, database: Database, is_reading: bool) -> Any:
        import psycopg2

        from marketing_analytics.local_cloud.store.databases.rows import Cursor as NamedCursor

        if time.monotonic() < self._closed_until.get(database, 0.0):
            raise psycopg2.OperationalError("it did not answer just now")
        try:
            session = psycopg2.connect(
                database.url,
                connect_timeout=CONNECT_SECONDS,
                application_name="local dbt cloud",
                client_encoding="utf8",
                target_session_attrs="read-write",
                keepalives_idle=10,
                tcp_user_timeout=10_000,
                cursor_factory=NamedCursor,
            )
            session.set_session(autocommit=True)
            settings = {**SETTINGS, "default_transaction_read_only": "on" if is_reading else "off"}
            with session.cursor() as cursor:
                cursor.execute("; ".join(f"set {name} = {to}" for name, to in settings.items()))
        except psycopg2.OperationalError:
            self._closed_until[database] = time.monotonic() + PAUSE_SECONDS
            raise
        return session


SESSIONS = Sessions()
COUNTS = Counts()


class ServerConnection:
    """A connection to a store on a server.

    A server that is away is waited for `patience_seconds`, outside of transactions.
    """

    def __init__(
        self, database: Database, *, is_reading: bool = False, patience_seconds: float = 0.0
    ) -> None:
        self.database = database
        self.patience_seconds = patience_seconds
        self._is_reading = is_reading
        self._session: Any = None

    @property
    def key_folder(self) -> Path:
        """Return the folder with the key of the secrets."""
        return self.database.key_folder

    @property
    def in_transaction(self) -> bool:
        """Return whether a transaction is open, also one that failed."""
        from psycopg2.extensions import TRANSACTION_STATUS_INERROR, TRANSACTION_STATUS_INTRANS

        status = self._session.info.transaction_status if self._session else None
        return status in (TRANSACTION_STATUS_INTRANS, TRANSACTION_STATUS_INERROR)

    def execute(self, statement: str, values: Mapping[str, Value] | None = None) -> Cursor:
        """Run one statement; outside of a transaction it commits at once."""
        translated = translate(statement)
        given = bind(values or {}, translated.lists)
        if self.in_transaction:
            return self._ask(translated.text, given)
        if translated.is_write:
            # the lock goes with the transaction, which both statements make together
            return self._ask(f"{TAKE_TURN}; {translated.text}", given, is_first=True)
        return self._ask(translated.text, given, is_first=True, is_repeatable=True)

    def count(self, statement: str, values: Mapping[str, Value]) -> int:
        """Return the one number of a statement; nothing is read when nothing was written since."""
        if self.in_transaction:
            # others do not see what was written here
            return int(self.execute(statement, values).fetchone()[0])
        snapshot = str(self.execute(SNAPSHOT).fetchone()[0])
        key = (statement, tuple(values.values()))
        known = COUNTS.find(self.database, snapshot, key)
        if known is None:
            known = int(self.execute(statement, values).fetchone()[0])
            COUNTS.keep(self.database, snapshot, key, known)
        return known

    def run_script(self, text: str) -> None:
        """Run statements of PostgreSQL as they are."""
        self._ask(text, None)

    def begin(self) -> None:
        """Begin a transaction and wait for the turn of this connection to write."""
        try:
            self._ask(f"begin; {TAKE_TURN}", None, is_first=True, is_repeatable=True)
        except BaseException:
            self.rollback()
            raise

    def commit(self) -> None:
        """Commit the transaction."""
        self._ask("commit", None)

    def rollback(self) -> None:
        """Undo the transaction; one whose session broke is undone already."""
        if self.in_transaction:
            self._ask("rollback", None)

    def close(self) -> None:
        """Give the session back."""
        session, self._session = self._session, None
        if session is not None:
            SESSIONS.give_back(self.database, session, is_reading=self._is_reading)

    def _ask(
        self,
        text: str,
        values: Mapping[str, Any] | None,
        *,
        is_first: bool = False,
        is_repeatable: bool = False,
    ) -> Cursor:
        """Send statements; `is_first` may take a new session, `is_repeatable` a second one."""
        import psycopg2

        until = time.monotonic() + self.patience_seconds
        is_fresh = False
        while True:
            try:
                if self._session is None or self._session.closed:
                    if not is_first:
                        raise psycopg2.OperationalError("the session broke")
                    is_fresh = True
                    self._session = SESSIONS.take(self.database, is_reading=self._is_reading)
                cursor = self._session.cursor()
                cursor.execute(text, values)
            except psycopg2.Error as error:
                is_broken = self._session is None or self._session.closed
                if is_broken:
                    self._session = None
                    SESSIONS.forget(self.database)
                is_again = is_broken and is_first and is_repeatable
                if is_again and (not is_fresh or time.monotonic() < until):
                    if is_fresh:
                        time.sleep(0.1)
                    continue
                raise in_words(error, self.database) from None
            else:
                found: Cursor = cursor
                return found


def in_words(error: Any, database: Database) -> sqlite3.Error:
    """Return an error of PostgreSQL as the one of sqlite3 with the same name in the DB-API.

    Who uses the store knows one kind of errors. Detail lines stay out: they quote values.
    """
    import psycopg2

    code, said = error.pgcode, error.diag.message_primary or ""
    if isinstance(error, psycopg2.IntegrityError):
        return sqlite3.IntegrityError(said)
    if code == LOCKED:
        return sqlite3.OperationalError(f"the database {database} is locked by another server")
    _, refused, why = str(error).partition("FATAL:")
    if code is None and refused:
        return sqlite3.OperationalError(
            f"the database {database} refuses: {why.strip().partition(LINE)[0]}"
        )
    if code is None or code.startswith(("08", "57P")):
        return sqlite3.OperationalError(f"the database {database} does not answer")
    if isinstance(error, psycopg2.OperationalError | psycopg2.InternalError):
        return sqlite3.OperationalError(said)
    if code in (*MISSING, FORBIDDEN):
        return sqlite3.OperationalError(said)
    return sqlite3.DatabaseError(said)
