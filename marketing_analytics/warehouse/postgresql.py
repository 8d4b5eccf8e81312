"""PostgreSQL as the warehouse: connect, and who writes."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from marketing_analytics.core.errors import AuthError, LockedError, PlatformError, UserError
from marketing_analytics.core.redaction import passwords_in, redact, remember

CONNECT_TIMEOUT_SECONDS = 10
POLL_SECONDS = 0.2
BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
EXAMPLE = "postgresql://user:<password>@host:5432/name"


class Connection:
    """A connection that is used as one of DuckDB's is: `?` for values, results from `execute`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, query: str, values: Sequence[Any] = ()) -> Any:
        """Run a statement and return its cursor."""
        cursor = self._connection.cursor()
        cursor.execute(query.replace("%", "%%").replace("?", "%s"), list(values))
        return cursor

    def close(self) -> None:
        """Close it."""
        self._connection.close()


def connect(url: str, *, is_read_only: bool = False) -> Connection:
    """Return a connection in which every statement is a transaction of its own.

    Raise AuthError when the server refuses, PlatformError when it cannot be reached.
    """
    import psycopg2

    try:
        connection = psycopg2.connect(url, connect_timeout=CONNECT_TIMEOUT_SECONDS)
        connection.set_session(readonly=is_read_only, autocommit=True)
    except psycopg2.OperationalError as error:
        raise open_error(url, str(error)) from None
    except psycopg2.ProgrammingError as error:
        text = redact(str(error), passwords_in(url)).strip()
        raise UserError(f"no address of a database: {text}", hint=f"like {EXAMPLE}") from None
    return Connection(connection)


def open_error(url: str, text: str) -> PlatformError:
    """Return our error for a server that does not let us in."""
    reason = text.strip().splitlines()[0] if text.strip() else "no reason given"
    if any(words in text for words in ("authentication failed", "no password", "role")):
        return AuthError(
            f"{without_password(url)} refuses: {reason}", hint="check user and password"
        )
    if "does not exist" in text:
        return UserError(f"{without_password(url)}: {reason}", hint="create it, or give another")
    return PlatformError(
        f"cannot reach {without_password(url)}: {reason}", hint="check that the server runs"
    )


def checked_url(url: str) -> str:
    """Return an address that names a database, and a port that is one. Raise UserError.

    Its password is remembered: drivers tell it in errors.
    """
    for password in passwords_in(url):
        remember(password)
    if BARE_PERCENT.search(url):
        raise UserError(
            "the address of the database has a % that begins no code",
            hint="write % as %25, @ as %40, / as %2F and : as %3A in the password",
        )
    try:
        port_and_name = urlsplit(url).port, urlsplit(url).path.strip("/")
    except ValueError:
        port_and_name = None, ""
    if not port_and_name[1]:
        raise UserError("the address of the database is not whole", hint=f"write it like {EXAMPLE}")
    return url


def without_password(url: str) -> str:
    """Return an address as it may be shown: without password and parameters."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, f"{user}{parts.hostname}{port}", parts.path, "", ""))


@contextmanager
def advisory_lock(
    url: str, name: str, *, taken: str, hint: str, timeout_seconds: float
) -> Iterator[None]:
    """Hold a lock of the server while inside; it is let go of when the process dies.

    Raise LockedError when it stays taken; `taken` says by what.
    """
    connection = connect(url)
    number = zlib.crc32(name.encode())
    give_up_at = time.monotonic() + timeout_seconds
    try:
        while not connection.execute("select pg_try_advisory_lock(?)", [number]).fetchone()[0]:
            if time.monotonic() >= give_up_at:
                raise LockedError(taken, hint=hint)
            time.sleep(POLL_SECONDS)
        yield
    finally:
        connection.close()
