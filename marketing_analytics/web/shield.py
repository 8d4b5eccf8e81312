"""ASGI middleware around everything that is served: hosts, sizes, headers, last-resort errors.

Whoever asks under a foreign host name, or sends too much, is refused before an application sees
the request. Every answer carries the security headers. An error that nobody handles is logged
under a reference, and the answer names only the reference.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

MAX_DROPPED_BYTES = 16 * 1024 * 1024

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
RAW_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
# request, status, title, hint, reference ("" for none)
ErrorPage = Callable[[Request, int, str, str, str], Response]


class Shield:
    """Lets a request through to `app`, or answers it with `error_page`.

    `allowed_hosts` empty: every well-formed name is answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed_hosts: Collection[str],
        max_body_bytes: int,
        error_page: ErrorPage,
    ) -> None:
        self.app = app
        self.allowed_hosts = allowed_hosts
        self.max_body_bytes = max_body_bytes
        self.error_page = error_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge the request, then let it through with our headers on the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # the router raises its 404 only inside an application
        scope.setdefault("app", self.app)
        has_started = False

        async def send_guarded(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                add_headers(message)
            await send(message)

        try:
            await self.answer(scope, receive, send_guarded)
        except Exception:
            reference = secrets.token_hex(4)
            method, path = scope["method"], scope["path"][:200]
            log.exception(
                "%s %s failed, reference %s",
                method,
                path,
                reference,
                extra={"action": "request_failed"},
            )
            if has_started:
                raise
            page = self.error_page(Request(scope), 500, "Something went wrong here", "", reference)
            await page(scope, receive, send_guarded)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a foreign host name and too long a body; let the application answer the rest."""
        headers = Headers(scope=scope)
        request = Request(scope)
        if not self.has_host(headers.get("host", "")):
            title = "This host name is not served here"
            refusal = self.error_page(request, 421, title, "Open the address printed at start.", "")
            await refusal(scope, receive, send)
            return
        body = await read_body(headers, receive, self.max_body_bytes)
        if body is None:
            hint = f"At most {self.max_body_bytes // 1024} KiB are taken."
            refusal = self.error_page(request, 413, "Too much was sent", hint, "")
            # a client that is still sending learns that nobody listens
            refusal.headers["connection"] = "close"
            await refusal(scope, receive, send)
            return
        await self.app(scope, replayed(body, receive), send)

    def has_host(self, header: str) -> bool:
        """Return whether a Host header names this server: others may point their name at us."""
        name = host_name(header)
        return bool(name) and (not self.allowed_hosts or name in self.allowed_hosts)


def host_name(header: str) -> str:
    """Return the name in a Host header without its port, lower case; empty when malformed."""
    if not header or any(sign in header for sign in "/\\@?#, "):
        return ""
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port  # a bad port is a bad header
        return (parts.hostname or "").lower().rstrip(".")
    except ValueError:
        return ""


def add_headers(message: Message) -> None:
    """Add the security headers to the start of an answer, but those that it sets itself."""
    headers = message["headers"]
    given = {name.lower() for name, _ in headers}
    headers += [header for header in RAW_HEADERS if header[0] not in given]


async def read_body(headers: Headers, receive: Receive, limit: int) -> bytes | None:
    """Return the whole body, or None when it is longer than `limit` bytes.

    What is too long is read on for a while and dropped: a client that is still sending does not
    see an answer that comes with a closed connection.
    """
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:20]) > MAX_DROPPED_BYTES:
        return None
    chunks: list[bytes] = []
    size, has_more = 0, True
    while has_more:
        message = await receive()
        chunk = message.get("body", b"")
        has_more = message.get("more_body", False)
        size += len(chunk)
        if size > MAX_DROPPED_BYTES:
            return None
        if size <= limit:
            chunks.append(chunk)
    return b"".join(chunks) if size <= limit else None


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body first, and then what comes from the client."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
