"""Who may use the pages: changes from our own pages only, and strangers sign in first.

State changes are judged by `Sec-Fetch-Site`, else by `Origin` against `Host`; no token is in a
page. Signing in is asked only when the server listens on more than this machine.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from marketing_analytics.web.shield import ErrorPage

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE = "cloud_session"
SESSION_SECONDS = 12 * 3600
MAX_FAILED_SIGN_INS = 10  # per minute, all callers together
OPEN_PATHS = ("/login", "/static/")


def is_same_origin(headers: Headers) -> bool:
    """Return whether a state-changing request comes from our own page.

    Requests without either header come from no browser we know and are refused: programs use
    the API and its token.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is None:
        return site == "same-origin"
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc == headers.get("host", "")


@dataclass
class SignIn:
    """Checks tokens and session cookies; `find_token` and `find_hash` read the store."""

    find_token: Callable[[str], int | None]  # sha-256 of a token -> token id
    find_hash: Callable[[int], str | None]  # token id -> sha-256 while it is not revoked
    failed_at: list[float] = field(default_factory=list)

    def is_throttled(self) -> bool:
        """Return whether too many wrong tokens were tried in the last minute."""
        now = time.monotonic()
        self.failed_at = [at for at in self.failed_at if now - at < 60]
        return len(self.failed_at) >= MAX_FAILED_SIGN_INS

    def cookie_for(self, token: str) -> str | None:
        """Return a session cookie for a valid token, or None."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        token_id = self.find_token(digest)
        if token_id is None:
            self.failed_at.append(time.monotonic())
            return None
        payload = f"{token_id}.{int(time.time()) + SESSION_SECONDS}.{secrets.token_hex(8)}"
        return f"{payload}.{signature_of(digest, payload)}"

    def is_valid(self, cookie: str) -> bool:
        """Return whether a cookie is ours, not expired, and its token not revoked."""
        payload, _, signature = cookie.rpartition(".")
        parts = payload.split(".")
        if len(parts) != 3 or not (parts[0].isdecimal() and parts[1].isdecimal()):
            return False
        if int(parts[1][:15]) < time.time():
            return False
        digest = self.find_hash(int(parts[0][:18]))
        return digest is not None and hmac.compare_digest(signature_of(digest, payload), signature)


def token_of(cookie: str) -> int | None:
    """Return the id of the token in a session cookie that was found valid, or None."""
    number = cookie.partition(".")[0][:18]
    return int(number) if number.isdecimal() else None


def signature_of(digest: str, payload: str) -> str:
    """Return the signature of a session cookie's payload."""
    return hmac.new(f"session:{digest}".encode(), payload.encode(), "sha256").hexdigest()


class Guard:
    """ASGI middleware around the pages."""

    def __init__(
        self, app: ASGIApp, *, sign_in: SignIn, needs_sign_in: bool, error_page: ErrorPage
    ) -> None:
        self.app = app
        self.sign_in = sign_in
        self.needs_sign_in = needs_sign_in
        self.error_page = error_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge the request, then let it through."""
        refusal = self.refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that is not let in, or None."""
        if request.method not in SAFE_METHODS and not is_same_origin(request.headers):
            title = "Refused: the request came from elsewhere"
            hint = "Changes are taken from this site's own pages only. Programs use the API."
            return self.error_page(request, 403, title, hint, "")
        return self._refuse_stranger(request)

    def _refuse_stranger(self, request: Request) -> Response | None:
        path = request.url.path
        if not self.needs_sign_in or path.startswith(OPEN_PATHS):
            return None
        if self.sign_in.is_valid(request.cookies.get(COOKIE, "")):
            return None
        if request.method in SAFE_METHODS and wants_page(request):
            target = path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(target, safe='')}", status_code=303)
        hint = "Open /login and enter an API token."
        return self.error_page(request, 401, "Please sign in", hint, "")


def wants_page(request: Request) -> bool:
    """Return whether the caller is a browser that shows a page."""
    return "text/html" in request.headers.get("accept", "")
