"""Build the pages for a server: `build_ui(settings)` returns an ASGI application."""

from __future__ import annotations

import logging
import sqlite3

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from marketing_analytics.local_cloud.pages.pages import Pages
from marketing_analytics.local_cloud.pages.reads import open_reads
from marketing_analytics.local_cloud.pages.records.noting import Noting
from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.store import accounts
from marketing_analytics.local_cloud.store.access.scopes import can_run
from marketing_analytics.web.guard import Guard, SignIn
from marketing_analytics.web.shield import Shield

MAX_BODY_BYTES = 64 * 1024
log = logging.getLogger(__name__)


def build_ui(settings: UiSettings) -> ASGIApp:
    """Return the pages as an ASGI application, guarded."""
    pages = Pages(settings, sign_in_for(settings))
    # not a Starlette application: its own last-resort answer would come before the guard's
    app = ExceptionMiddleware(Router(pages.routes()), handlers=pages.exception_handlers())
    guarded = Guard(
        Noting(app, settings),
        sign_in=pages.sign_in,
        needs_sign_in=settings.needs_sign_in,
        error_page=pages.refusal,
    )

    async def with_the_store(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await guarded(scope, receive, send)
        except sqlite3.OperationalError as error:
            log.warning("the store failed: %s", error, extra={"action": "store_failed"})
            title, hint = "The store does not answer", "Load the page again in a moment."
            answer = pages.refusal(Request(scope), 503, title, hint, "")
            answer.headers["retry-after"] = "1"
            await answer(scope, receive, send)

    return Shield(
        with_the_store,
        allowed_hosts=settings.answered_hosts,
        max_body_bytes=MAX_BODY_BYTES,
        error_page=pages.refusal,
    )


def sign_in_for(settings: UiSettings) -> SignIn:
    """Return the sign-in that checks tokens in the store."""

    def find_token(digest: str) -> int | None:
        with open_reads(settings.database, settings.account_id) as reads:
            token = accounts.find_token(reads.connection, digest)
        is_ours = token is not None and token.account_id == settings.account_id
        # whoever signs in can start and cancel runs
        return token.id if token and is_ours and can_run(token) else None

    def find_hash(token_id: int) -> str | None:
        with open_reads(settings.database, settings.account_id) as reads:
            token = accounts.get_token(reads.connection, token_id)
        is_ours = token is not None and token.account_id == settings.account_id
        return token.token_sha256 if token and is_ours else None

    return SignIn(find_token, find_hash)
