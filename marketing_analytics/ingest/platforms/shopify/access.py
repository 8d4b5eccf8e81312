"""The way to one shop's Admin API: its address, its token, its limits and its errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from marketing_analytics.core.errors import (
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
    UserError,
)
from marketing_analytics.core.http import retry_after_seconds
from marketing_analytics.ingest.engine.governor import (
    AccountError,
    BrokenAnswerError,
    Governor,
)
from marketing_analytics.ingest.engine.job import Job

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

API_VERSION = "2026-10"
DOMAIN = re.compile(r"(?:https://)?([a-z0-9][a-z0-9-]*)(?:\.myshopify\.com)?/?", re.IGNORECASE)
# the bucket leaks a twentieth of its size in a second, on every plan
BUCKET_SECONDS = 20
# others use the same bucket: a fifth of it stays free
FULL_SHARE = 0.8
TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105 - the name of a header
CALLS_HEADER = "X-Shopify-Shop-Api-Call-Limit"
ACCESS_HINT = "check SHOPIFY_SECRET, and SHOPIFY_CLIENT_ID if the secret is that of an app"


def base_url_of(settings: Mapping[str, str]) -> str:
    """Return the address of the API: given, or that of the shop."""
    if given := settings.get("SHOPIFY_BASE_URL"):
        return given.rstrip("/")
    shop = settings.get("SHOPIFY_SHOP", "")
    matched = DOMAIN.fullmatch(shop.strip())
    if not matched:
        raise UserError(
            f"SHOPIFY_SHOP is not a shop: {shop!r}",
            hint="write the name before .myshopify.com, as in the address of the admin",
        )
    return f"https://{matched[1].lower()}.myshopify.com/admin/api/{API_VERSION}"


def connect(job: Job, base_url: str) -> Governor:
    """Return the governor of a shop, with a token that is good for this run."""
    token = job.setting("SHOPIFY_SECRET")
    if client_id := job.settings.get("SHOPIFY_CLIENT_ID"):
        token = fetch_token(job, base_url, client_id, token)
    return governor_of(job, base_url, {TOKEN_HEADER: token})


def governor_of(job: Job, base_url: str, headers: dict[str, str]) -> Governor:
    """Return a governor that knows Shopify's limits and errors."""
    return Governor(
        "shopify",
        base_url,
        setting="SHOPIFY_BASE_URL",
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        headers=headers,
        pace=pace,
        max_connections=job.limits.workers,
        on_wait=job.notes.put,
    )


def fetch_token(job: Job, base_url: str, client_id: str, client_secret: str) -> str:
    """Exchange an app's credentials for a token of 24 hours."""
    governor = governor_of(job, base_url, {})
    try:
        body = governor.post(
            oauth_url(base_url, "access_token"),
            data={
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": client_secret,
            },
        )
    finally:
        governor.close()
    token = body.get("access_token")
    if not isinstance(token, str):
        raise BrokenAnswerError("Shopify's answer to the credentials holds no access_token")
    return token


def oauth_url(base_url: str, name: str) -> str:
    """Return an address beside the versioned API."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}/admin/oauth/{name}"


def pace(response: httpx.Response) -> float:
    """Return how long to wait until the bucket of calls has room, from `used/size`."""
    used, _, size = response.headers.get(CALLS_HEADER, "").partition("/")
    if not (used.isdigit() and size.isdigit() and int(size)):
        return 0.0
    over = int(used) - FULL_SHARE * int(size)
    return max(0.0, over * BUCKET_SECONDS / int(size))


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what an answer of Shopify means for the caller; None where its status says it."""
    status = response.status_code
    if status < 400 or status >= 500:
        return None
    message = f"Shopify refused: {words_of(response)}"
    if status == 401 or (status == 400 and "/oauth/" in response.request.url.path):
        return AuthError(message, hint=ACCESS_HINT, status_code=status)
    if status == 403:
        hint = "give the app the scopes read_orders and read_customers, and install it again"
        return AuthError(message, hint=hint, status_code=status)
    if status in {402, 423}:
        hint = "the shop is frozen or locked: its owner finds the reason in the admin"
        return AccountError(message, hint=hint, status_code=status)
    if status == 404:
        hint = "check SHOPIFY_SHOP, and the version in SHOPIFY_BASE_URL"
        return TerminalError(message, hint=hint, status_code=status)
    if status == 429:
        wait = retry_after_seconds(response.headers.get("Retry-After"))
        return TransientError(message, status_code=status, retry_after_seconds=wait)
    return TerminalError(message, status_code=status)


def words_of(response: httpx.Response) -> str:
    """Return Shopify's own words: a text, or texts by parameter."""
    try:
        body: Any = response.json()
    except ValueError:
        body = None
    said = body.get("errors") or body.get("error") if isinstance(body, dict) else None
    if isinstance(said, dict):
        said = ", ".join(f"{name}: {words}" for name, words in said.items())
    return str(said)[:300] if said else f"HTTP {response.status_code}"
