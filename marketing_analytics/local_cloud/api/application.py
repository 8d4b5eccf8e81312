"""One request from bytes to bytes: token, route, handler, envelope.

Most answers are one read from SQLite that takes less than a millisecond, so handlers run on the
event loop and share one connection. Those that read files run in a thread with one of their own.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from marketing_analytics.local_cloud.api.answers import ApiError, failed, not_found
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.discovery.handlers import failed as discovery_failed
from marketing_analytics.local_cloud.api.discovery.handlers import is_discovery
from marketing_analytics.local_cloud.api.operations import ROUTER, is_slow, needed_level
from marketing_analytics.local_cloud.api.routes import Handler
from marketing_analytics.local_cloud.store.access.audit import add_event
from marketing_analytics.local_cloud.store.access.scopes import Level, level_of
from marketing_analytics.local_cloud.store.accounts import Token, note_use, token_of
from marketing_analytics.local_cloud.store.connection import Place, open_connection
from marketing_analytics.web.shield import Shield

MAX_BODY_BYTES = 1024 * 1024
MAX_AUTHORIZATION_LENGTH = 4096
USE_SECONDS = MINUTE = 60.0
FORBIDDEN = 403
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
log = logging.getLogger(__name__)


def do_nothing() -> None:
    """Wake nobody."""


@dataclass
class ApiSettings:
    """What the API needs to know of the server. No host names: every one is answered.

    `wake` is called after a run was queued or is to be cancelled.
    """

    store: Place
    data_dir: Path
    allowed_hosts: Collection[str] = ()
    wake: Callable[[], None] = do_nothing
    webhook_hosts: Collection[str] = ()
    requests_per_minute: int = 0


class Api:
    """The ASGI application of everything below `/api`, and of the Discovery API."""

    def __init__(self, settings: ApiSettings) -> None:
        self.settings = settings
        self.connection = open_connection(settings.store)
        self.used_at: dict[int, float] = {}
        # by account: when its minute began, and how often it has asked since
        self.asked: dict[int, tuple[float, int]] = {}
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

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.note_change(scope, message["status"])
            await send(message)

        try:
            scope["app"] = self
            token = self.authenticate(Headers(scope=scope))
            scope["token"], scope["account_id"] = token, token.account_id
            self.count_request(token)
            self.note_use(token)
            scope["path"] = scope["path"].rstrip("/")
            await ROUTER(scope, receive, send_noted)
        except ApiError as error:
            await shown(error, scope["path"])(scope, receive, send_noted)
        except sqlite3.OperationalError as error:
            await shown(busy(error), scope["path"])(scope, receive, send)

    def count_request(self, token: Token) -> None:
        """Raise a 429 when the account has asked too often in this minute."""
        limit, now = self.settings.requests_per_minute, time.monotonic()
        if not limit:
            return
        began, count = self.asked.get(token.account_id, (now, 0))
        if now - began >= MINUTE:
            began, count = now, 0
        self.asked[token.account_id] = (began, count + 1)
        if count >= limit:
            seconds = str(math.ceil(MINUTE - (now - began)))
            message = f"More than {limit} requests in a minute. Try again in {seconds} s."
            raise ApiError(429, message, headers={"retry-after": seconds})

    def note_use(self, token: Token) -> None:
        """Write down the use of a token, at most once a minute."""
        now = time.monotonic()
        if now - self.used_at.get(token.id, -math.inf) >= USE_SECONDS:
            self.used_at[token.id] = now
            note_use(self.connection, token.id)

    def authenticate(self, headers: Headers) -> Token:
        """Return the token of a request. Raise a 401."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() not in ("token", "bearer") or not token:
            raise ApiError(401, "Invalid token.", developer_message="no Authorization header")
        if len(token) > MAX_AUTHORIZATION_LENGTH:
            raise ApiError(401, "Invalid token.")
        found = token_of(self.connection, token)
        if found is None:
            # some clients send the word None when only one of their two settings is set
            hint = "the client sent no token, only the word None" if token == "None" else ""  # noqa: S105
            raise ApiError(401, "Invalid token.", developer_message=hint)
        return found

    async def answer(self, handler: Handler, request: Request) -> Response:
        """Return what a handler answers. Raise ApiError for an answer that is an error."""
        account_id = request.scope["account_id"]
        if request.path_params.get("account_id", account_id) != account_id:
            raise not_found()
        require_level(request.scope["token"], needed_level(handler, request.method))
        call = Call(
            request=request,
            body_bytes=await request.body(),
            account_id=account_id,
            connection=self.connection,
            data_dir=self.settings.data_dir,
            wake=self.settings.wake,
            webhook_hosts=self.settings.webhook_hosts,
        )
        if is_slow(handler, call):
            return await run_in_threadpool(self.answer_apart, handler, call)
        return handler(call)

    def note_change(self, scope: Scope, status: int) -> None:
        """Write a request that changes something into the audit log, and every forbidden one."""
        is_read = scope["method"] in SAFE_METHODS and status != FORBIDDEN
        if is_read or is_discovery(scope["path"]) or "token" not in scope:
            return
        token, client = scope["token"], scope.get("client")
        add_event(
            self.connection,
            account_id=token.account_id,
            token_id=token.id,
            token_name=token.name,
            method=scope["method"],
            path=scope["path"],
            status=status,
            client=client[0] if client else "",
        )

    def answer_apart(self, handler: Handler, call: Call) -> Response:
        """Run a handler in a thread, with a connection of its own."""
        with closing(open_connection(self.settings.store)) as call.connection:
            return handler(call)


def require_level(token: Token, needed: Level) -> None:
    """Raise a 403 when a token may not do what is asked."""
    if level_of(token) < needed:
        message = "You do not have permission to perform this action."
        hint = f"the token {token.name!r} may not {needed.name.lower()} here"
        raise ApiError(403, message, developer_message=hint)


def busy(error: sqlite3.OperationalError) -> ApiError:
    """Return the error for a store that is locked for too long, or that cannot be written."""
    log.warning("the store failed: %s", error, extra={"action": "store_failed"})
    is_locked = "locked" in str(error) or "busy" in str(error)
    message = "The store is busy. Try again." if is_locked else f"The store failed: {error}."
    return ApiError(503, message, headers={"retry-after": "1"})


def error_answer(
    request: Request, status_code: int, title: str, hint: str, reference: str
) -> Response:
    """Return in the shape of the API what the shield around it has to say."""
    message = f"{title}. Reference {reference}." if reference else f"{title}. {hint}"
    data = {"reference": reference} if reference else None
    return shown(ApiError(status_code, message, data), request.url.path)


def shown(error: ApiError, path: str) -> Response:
    """Return an error as the clients of a path read it: in the envelope, or as GraphQL's."""
    return discovery_failed(error) if is_discovery(path) else failed(error)
