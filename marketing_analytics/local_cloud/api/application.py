"""One request from bytes to bytes: token, route, handler, envelope.

Most answers are one read from SQLite that takes less than a millisecond, so handlers run on the
event loop and share one connection. Those that read files run in a thread with one of their own.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from marketing_analytics.local_cloud.api.answers import ApiError, failed, not_found
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.operations import ROUTER, is_slow
from marketing_analytics.local_cloud.api.routes import Handler
from marketing_analytics.local_cloud.store.accounts import account_of_token
from marketing_analytics.local_cloud.store.connection import open_connection
from marketing_analytics.web.shield import Shield

MAX_BODY_BYTES = 1024 * 1024
MAX_AUTHORIZATION_LENGTH = 4096
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
        self.app = Shield(
            self.let_in,
            allowed_hosts=settings.allowed_hosts,
            max_body_bytes=MAX_BODY_BYTES,
            error_page=error_answer,
        )

    def close(self) -> None:
        """Close the store."""
        self.connection.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.app(scope, receive, send)

    async def let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a known token on to the routes; answer errors in the envelope."""
        try:
            scope["app"] = self
            scope["account_id"] = self.authenticate(Headers(scope=scope))
            scope["path"] = scope["path"].rstrip("/")
            await ROUTER(scope, receive, send)
        except ApiError as error:
            await failed(error)(scope, receive, send)
        except sqlite3.OperationalError as error:
            await failed(busy(error))(scope, receive, send)

    def authenticate(self, headers: Headers) -> int:
        """Return the account of the token. Raise a 401."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
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

    async def answer(self, handler: Handler, request: Request) -> Response:
        """Return what a handler answers. Raise ApiError for an answer that is an error."""
        account_id = request.scope["account_id"]
        if request.path_params.get("account_id", account_id) != account_id:
            raise not_found()
        call = Call(
            request=request,
            body_bytes=await request.body(),
            account_id=account_id,
            connection=self.connection,
            data_dir=self.settings.data_dir,
            wake=self.settings.wake,
        )
        if is_slow(handler, call):
            return await run_in_threadpool(self.answer_apart, handler, call)
        return handler(call)

    def answer_apart(self, handler: Handler, call: Call) -> Response:
        """Run a handler in a thread, with a connection of its own."""
        with closing(open_connection(self.settings.database_path)) as call.connection:
            return handler(call)


def busy(error: sqlite3.OperationalError) -> ApiError:
    """Return the error for a store that is locked for too long, or that cannot be written."""
    log.warning("the store failed: %s", error, extra={"action": "store_failed"})
    is_locked = "locked" in str(error) or "busy" in str(error)
    message = "The store is busy. Try again." if is_locked else f"The store failed: {error}."
    return ApiError(503, message, headers={"retry-after": "1"})


def error_answer(
    _request: Request, status_code: int, title: str, hint: str, reference: str
) -> Response:
    """Return in the envelope what the shield around the API has to say."""
    message = f"{title}. Reference {reference}." if reference else f"{title}. {hint}"
    return failed(ApiError(status_code, message, {"reference": reference} if reference else None))
