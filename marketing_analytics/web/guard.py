"""Protects the pages: Host allow-list, cross-site requests, sign-in, headers, last-resort errors.

State changes are judged by `Sec-Fetch-Site`, else by `Origin` against `Host`; no token is in a
page. Signing in is asked only when the server listens on more than this machine.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY_BYTES = 64 * 1024
COOKIE = "cloud_session"
SESSION_SECONDS = 12 * 3600
MAX_FAILED_SIGN_INS = 10  # per minute, all callers together
OPEN_PATHS = ("/login", "/static/")

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
}
ErrorPage = Callable[[Request, int, str, str, str], Response]


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
        return f"{payload}.{_signature(digest, payload)}"

    def is_valid(self, cookie: str) -> bool:
        """Return whether a cookie is ours, not expired, and its token not revoked."""
        payload, _, signature = cookie.rpartition(".")
        parts = payload.split(".")
        if len(parts) != 3 or not (parts[0].isdecimal() and parts[1].isdecimal()):
            return False
        if int(parts[1][:15]) < time.time():
            return False
        digest = self.find_hash(int(parts[0][:18]))
        return digest is not None and hmac.compare_digest(_signature(digest, payload), signature)


def _signature(digest: str, payload: str) -> str:
    return hmac.new(f"session:{digest}".encode(), payload.encode(), "sha256").hexdigest()


@dataclass(frozen=True)
class Rules:
    """What is allowed: host names (none given: every one), and whether a session is needed."""

    allowed_hosts: frozenset[str]
    needs_sign_in: bool

    def has_host(self, header: str) -> bool:
        """Return whether a Host header names this server."""
        name = host_name(header)
        return bool(name) and (not self.allowed_hosts or name in self.allowed_hosts)


class Guard:
    """ASGI middleware around the pages."""

    def __init__(self, app: ASGIApp, rules: Rules, sign_in: SignIn, error_page: ErrorPage) -> None:
        self.app = app
        self.rules = rules
        self.sign_in = sign_in
        self.error_page = error_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge the request, then let it through with our headers on the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # the router raises its 404 only inside an application
        scope.setdefault("app", self.app)
        request = Request(scope, receive)
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(MutableHeaders(scope=message))
            await send(message)

        try:
            refusal = self.refusal(request)
            await (refusal or self.app)(scope, receive, send_guarded)
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("page failed, reference %s: %s", reference, request.url.path)
            if started:
                raise
            await self._failed(request, reference)(scope, receive, send_guarded)

    def _failed(self, request: Request, reference: str) -> Response:
        return self.error_page(
            request,
            500,
            "Something went wrong here",
            "The page could not be built. Runs and schedules are not affected.",
            reference,
        )

    def refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that is not let in, or None."""
        if not self.rules.has_host(request.headers.get("host", "")):
            return self._refuse(
                request, 421, "Unknown host name", "Open the address printed at start."
            )
        if request.method not in SAFE_METHODS:
            refusal = self._refuse_change(request)
            if refusal:
                return refusal
        return self._refuse_stranger(request)

    def _refuse_change(self, request: Request) -> Response | None:
        if not is_same_origin(request.headers):
            hint = "Changes are taken from this site's own pages only. Programs use the API."
            return self._refuse(request, 403, "Refused: the request came from elsewhere", hint)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:12]) > MAX_BODY_BYTES:
            return self._refuse(request, 413, "Too much was sent", "Forms here are small.")
        return None

    def _refuse_stranger(self, request: Request) -> Response | None:
        path = request.url.path
        if not self.rules.needs_sign_in or path.startswith(OPEN_PATHS):
            return None
        if self.sign_in.is_valid(request.cookies.get(COOKIE, "")):
            return None
        if request.method in SAFE_METHODS and "text/html" in request.headers.get("accept", ""):
            target = path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(target, safe='')}", status_code=303)
        return self._refuse(request, 401, "Please sign in", "Open /login and enter an API token.")

    def _refuse(self, request: Request, status: int, title: str, hint: str) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return self.error_page(request, status, title, hint, "")
        return JSONResponse({"error": title, "hint": hint}, status_code=status)


def _add_headers(headers: MutableHeaders) -> None:
    for name, value in SECURITY_HEADERS.items():
        headers[name] = value
    headers.setdefault("cache-control", "no-store")
