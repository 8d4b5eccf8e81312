"""Write down what is changed on the pages, as the API does for its own."""

from __future__ import annotations

from contextlib import closing

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.store.access.audit import add_event
from marketing_analytics.local_cloud.store.accounts import configured_token, get_token
from marketing_analytics.local_cloud.store.connection import open_connection
from marketing_analytics.web.guard import COOKIE, SAFE_METHODS, token_of

# they change this browser alone
OWN_PATHS = ("/login", "/logout", "/zone")


class Noting:
    """ASGI middleware behind the guard: every change that came this far is in the audit log."""

    def __init__(self, app: ASGIApp, settings: UiSettings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and note what was answered."""
        is_change = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if not is_change or scope["path"] in OWN_PATHS:
            await self.app(scope, receive, send)
            return

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.note(Request(scope), message["status"])
            await send(message)

        await self.app(scope, receive, send_noted)

    def note(self, request: Request, status: int) -> None:
        """Write one event; where nobody signs in, a person at this machine has every right."""
        token_id = (
            token_of(request.cookies.get(COOKIE, "")) if self.settings.needs_sign_in else None
        )
        with closing(open_connection(self.settings.database)) as connection:
            token = (
                configured_token(connection, self.settings.account_id)
                if token_id is None
                else get_token(connection, token_id)
            )
            if token is None:
                return
            add_event(
                connection,
                account_id=self.settings.account_id,
                token_id=token.id,
                token_name=f"{token.name}, on the page",
                method=request.method,
                path=request.url.path,
                status=status,
                client=request.client.host if request.client else "",
            )
