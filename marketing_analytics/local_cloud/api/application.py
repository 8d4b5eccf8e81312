"""One request from bytes to bytes: host, token, body, route, handler, envelope.

A small ASGI application of its own: most answers are one read from SQLite that takes less than
a millisecond, so handlers run on the event loop and share one connection. Routes that read
files run in a thread with a connection of their own.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from marketing_analytics.local_cloud.api import operations
from marketing_analytics.local_cloud.api.answers import Answer, ApiError, failed, not_found
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.routes import Match
from marketing_analytics.local_cloud.store.accounts import account_of_token
from marketing_analytics.local_cloud.store.connection import open_connection

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 1024 * 1024
MAX_DROPPED_BYTES = 16 * 1024 * 1024
MAX_AUTHORIZATION_LENGTH = 4096
FILE_PIECE_BYTES = 256 * 1024
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
log = logging.getLogger(__name__)


def do_nothing() -> None:
    """Wake nobody."""


@dataclass
class ApiSettings:
    """What the API needs to know of the server. No host names: every one is answered.

    `wake` is called after a run was queued or is to be cancelled.
    """

    database_path: Path
    data_dir: Path
    allowed_hosts: Collection[str] = ()
    wake: Callable[[], None] = do_nothing


class Api:
    """The ASGI application of everything below `/api`."""

    def __init__(self, settings: ApiSettings) -> None:
        self.settings = settings
        self.connection = open_connection(settings.database_path)

    def close(self) -> None:
        """Close the store."""
        self.connection.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = read_headers(scope)
        try:
            answer = await self.answer(scope, headers, receive)
        except ApiError as error:
            answer = failed(error)
        except sqlite3.OperationalError as error:
            answer = failed(busy(error))
        except Exception:
            answer = failed(unexpected(scope))
        await send_answer(answer, send, is_head=scope["method"] == "HEAD")

    async def answer(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        """Return the answer. Raise ApiError for one that is an error."""
        check_host(headers, self.settings.allowed_hosts)
        account_id = self.authenticate(headers)
        match = find_route(scope["method"], scope["path"], account_id)
        body = await read_body(headers, receive)
        call = Call(
            connection=self.connection,
            data_dir=self.settings.data_dir,
            account_id=account_id,
            ids=match.ids,
            rest=match.rest,
            query_text=scope["query_string"].decode("latin-1"),
            body_bytes=body,
            base_url=base_url_of(scope, headers),
            wake=self.settings.wake,
        )
        if match.route.handler in operations.SLOW_HANDLERS:
            return await self.answer_in_thread(match, call)
        return match.route.handler(call)

    async def answer_in_thread(self, match: Match, call: Call) -> Answer:
        """Run a handler that reads files in a thread, with a connection of its own."""
        from anyio.to_thread import run_sync

        def answer() -> Answer:
            with closing(open_connection(self.settings.database_path)) as connection:
                call.connection = connection
                return match.route.handler(call)

        return await run_sync(answer)

    def authenticate(self, headers: dict[bytes, bytes]) -> int:
        """Return the account of the token. Raise a 401."""
        given = headers.get(b"authorization", b"").decode("latin-1")
        scheme, _, token = given.partition(" ")
        token = token.strip()
        if scheme.lower() not in ("token", "bearer") or not token:
            raise ApiError(401, "Invalid token.", developer_message="no Authorization header")
        if len(token) > MAX_AUTHORIZATION_LENGTH:
            raise ApiError(401, "Invalid token.")
        account_id = account_of_token(self.connection, token)
        if account_id is None:
            # some clients send the word None when only one of their two settings is set
            hint = "the client sent no token, only the word None" if token == "None" else ""  # noqa: S105
            raise ApiError(401, "Invalid token.", developer_message=hint)
        return account_id


def read_headers(scope: Scope) -> dict[bytes, bytes]:
    """Return the headers by lower-case name; of repeated ones the first."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.lower(), value)
    return headers


def check_host(headers: dict[bytes, bytes], allowed: Collection[str]) -> None:
    """Refuse names that are not ours: another site may have pointed its name at us."""
    if not allowed:
        return
    host = headers.get(b"host", b"").decode("latin-1").lower()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name.strip("[]") not in allowed:
        raise ApiError(421, "This host name is not served here.")


def find_route(method: str, path: str, account_id: int) -> Match:
    """Return the route of a path. Raise a 404, or a 405 that names the methods there are."""
    matches = operations.TABLE.matches(path.removeprefix("/api/"))
    wanted = "GET" if method == "HEAD" else method
    for match in matches:
        if match.route.method == wanted:
            if match.ids.get("account_id", account_id) != account_id:
                raise not_found()
            return match
    if not matches:
        raise not_found()
    allowed = ", ".join(sorted({match.route.method for match in matches}))
    raise ApiError(405, f'Method "{method}" not allowed.', headers={"allow": allowed})


async def read_body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    """Return the whole body. Raise a 413 when it is longer than 1 MiB.

    What is too long is read on for a while and dropped: a client that is still sending does not
    see an answer that comes with a closed connection.
    """
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared[:20]) > MAX_DROPPED_BYTES:
        raise too_large()
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(400, "The client went away.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_DROPPED_BYTES:
            raise too_large()
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        if not message.get("more_body"):
            break
    if size > MAX_BODY_BYTES:
        raise too_large()
    return b"".join(chunks)


def too_large() -> ApiError:
    """Return the error for a body that is too long."""
    return ApiError(413, "The body is larger than 1 MiB.", headers={"connection": "close"})


def base_url_of(scope: Scope, headers: dict[bytes, bytes]) -> str:
    """Return the address the client used, such as `http://127.0.0.1:8580`."""
    host = headers.get(b"host", b"localhost").decode("latin-1")
    return f"{scope.get('scheme', 'http')}://{host}"


def busy(error: sqlite3.OperationalError) -> ApiError:
    """Return the error for a store that is locked for too long, or that cannot be written."""
    log.warning("store: %s", error)
    is_locked = "locked" in str(error) or "busy" in str(error)
    message = "The store is busy. Try again." if is_locked else f"The store failed: {error}."
    return ApiError(503, message, headers={"retry-after": "1"})


def unexpected(scope: Scope) -> ApiError:
    """Return the error for a bug of ours: a reference for the user, the traceback in the log."""
    reference = secrets.token_hex(4)
    log.exception("%s %s failed, reference %s", scope["method"], scope["path"][:200], reference)
    return ApiError(
        500, f"Something went wrong here. Reference {reference}.", {"reference": reference}
    )


async def send_answer(answer: Answer, send: Send, *, is_head: bool) -> None:
    """Send an envelope, or stream a file as an attachment."""
    if answer.file is not None:
        try:
            file = answer.file.open("rb")
        except OSError:
            # it was there when it was looked up
            await send_answer(failed(not_found()), send, is_head=is_head)
            return
        with file:
            await send_file(answer.file, file, send, is_head=is_head)
        return
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer.body)).encode()),
        *SECURITY_HEADERS,
        *((name.encode(), value.encode()) for name, value in answer.headers.items()),
    ]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else answer.body})


SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


async def send_file(path: Path, file: BinaryIO, send: Send, *, is_head: bool) -> None:
    """Stream a file in pieces; a browser saves it and never runs it."""
    from anyio.to_thread import run_sync

    left = os.fstat(file.fileno()).st_size
    headers = [
        (b"content-type", media_type_of(path)),
        (b"content-length", str(left).encode()),
        (b"content-disposition", b"attachment; filename*=UTF-8''" + quote(path.name).encode()),
        (b"content-security-policy", b"sandbox"),
        *SECURITY_HEADERS,
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while left and not is_head:
        # never more than was declared, whatever is appended meanwhile
        piece = await run_sync(file.read, min(left, FILE_PIECE_BYTES))
        if not piece:
            break
        left -= len(piece)
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def media_type_of(path: Path) -> bytes:
    """Return JSON for JSON, and a type that is shown nowhere for everything else."""
    if path.suffix == ".json":
        return b"application/json"
    is_text = path.suffix in (".sql", ".log", ".txt")
    return b"text/plain; charset=utf-8" if is_text else b"application/octet-stream"
