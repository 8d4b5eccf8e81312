"""Calls of LinkedIn's Rest.li API: how a query is written, and what a refusal means.

Rest.li 2.0: structure is written with plain parentheses, commas and colons; inside of a value
each of them is percent-encoded, as in the URN of an account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from marketing_analytics.core.errors import (
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
)
from marketing_analytics.core.http import retry_after_seconds
from marketing_analytics.ingest.engine.answers import Cursors, part, records
from marketing_analytics.ingest.engine.governor import AccountError, Governor, Token
from marketing_analytics.ingest.engine.job import Job

if TYPE_CHECKING:
    import httpx

DEFAULT_ADDRESS = "https://api.linkedin.com/rest"
TOKEN_ADDRESS = "https://www.linkedin.com/oauth/v2/accessToken"  # noqa: S105
# each month has a version, which is served for about a year
DEFAULT_VERSION = "202606"
PROTOCOL = "2.0.0"
# beyond 4 KB of address LinkedIn answers 414
LONGEST_QUERY = 4_000
# the limit counts five minutes back; a little more, since clocks differ
DATA_VOLUME_SECONDS = 330.0
TUNNEL = {
    "Content-Type": "application/x-www-form-urlencoded",
    "X-HTTP-Method-Override": "GET",
}
CHOICE = "LINKEDIN_ADS_ACCOUNT_IDS"
REFRESH = ("LINKEDIN_ADS_CLIENT_ID", "LINKEDIN_ADS_CLIENT_SECRET", "LINKEDIN_ADS_REFRESH_TOKEN")
RENEW_HINT = "create a new token and set LINKEDIN_ADS_ACCESS_TOKEN; it is valid for 60 days"

Value = str | int | Sequence["Value"] | Mapping[str, "Value"]


def address_of(settings: Mapping[str, str]) -> str:
    """Return where the API is."""
    return settings.get("LINKEDIN_ADS_BASE_URL") or DEFAULT_ADDRESS


def connect(job: Job) -> Governor:
    """Return what sends the requests of a job."""
    return Governor(
        "LinkedIn Ads",
        address_of(job.settings),
        setting="LINKEDIN_ADS_BASE_URL",
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers={
            "LinkedIn-Version": job.settings.get("LINKEDIN_ADS_VERSION") or DEFAULT_VERSION,
            "X-Restli-Protocol-Version": PROTOCOL,
            # every call here is one
            "X-RestLi-Method": "FINDER",
        },
        token=token_of(job),
    )


def find(
    governor: Governor, path: str, query: Mapping[str, Value], *, is_large: bool = False
) -> dict[str, Any]:
    """Return the answer of a finder; a query that is too long for an address goes as a body."""
    text = encoded_query(query)
    if len(text) <= LONGEST_QUERY:
        found = governor.send("GET", f"{path}?{text}", is_large=is_large)
    else:
        found = governor.send("POST", path, is_large=is_large, content=text, headers=TUNNEL)
    return dict(found)


def pages(
    governor: Governor, path: str, query: Mapping[str, Value], page_size: int
) -> Iterator[dict[str, Any]]:
    """Yield all elements of a list with cursors."""
    token = ""
    cursors = Cursors(f"LinkedIn's list {path}")
    while True:
        page: dict[str, Value] = {"pageSize": page_size}
        if token:
            page["pageToken"] = token
        answer = find(governor, path, {**query, **page})
        yield from records(answer, "elements", path)
        token = str(part(answer, "metadata", path).get("nextPageToken") or "")
        if not token:
            return
        cursors.check(token)


def encoded_query(query: Mapping[str, Value]) -> str:
    """Return a query as Rest.li wants it; `fields` alone is a list without its name."""
    return "&".join(
        f"{name}={','.join(map(str, value))}"
        if name == "fields" and not isinstance(value, str | int)
        else f"{name}={encoded(value)}"
        for name, value in query.items()
    )


def encoded(value: Value) -> str:
    """Return one value: text, number, List(...) or (name:value,...)."""
    if isinstance(value, Mapping):
        return "(" + ",".join(f"{name}:{encoded(one)}" for name, one in value.items()) + ")"
    if isinstance(value, str | int):
        return quote(str(value), safe="")
    return "List(" + ",".join(map(encoded, value)) + ")"


def urn(kind: str, number: str) -> str:
    """Return a reference to something of a kind, like urn:li:sponsoredAccount:1."""
    return f"urn:li:{kind}:{number}"


def number_of(reference: Any) -> Any:
    """Return the id in a reference; ids come as numbers and as URNs."""
    if isinstance(reference, str):
        return reference.rpartition(":")[2]
    return reference


def token_of(job: Job) -> Token:
    """Return the access token; once it has expired it is renewed, where that is set up."""
    given = [job.setting("LINKEDIN_ADS_ACCESS_TOKEN")]

    def renewed() -> str:
        if given:
            return given.pop()
        if not all(job.settings.get(name) for name in REFRESH):
            raise AuthError(
                "LinkedIn takes the access token no more", hint=RENEW_HINT, status_code=403
            )
        return refreshed_token(job)

    return Token(renewed)


def refreshed_token(job: Job) -> str:
    """Return a fresh access token."""
    token_server = Governor(
        "the LinkedIn token server",
        "",
        setting="LINKEDIN_ADS_TOKEN_URL",
        limits=job.limits,
        stop=job.stop,
        classify=classify_token_error,
    )
    client_id, client_secret, refresh_token = (job.setting(name) for name in REFRESH)
    form = {
        "grant_type": "refresh_token",
        "client_id": client_id,
        "client_secret": client_secret,
        "refresh_token": refresh_token,
    }
    address = job.settings.get("LINKEDIN_ADS_TOKEN_URL") or TOKEN_ADDRESS
    try:
        return str(token_server.post(address, data=form).get("access_token") or "")
    finally:
        token_server.close()


def classify_token_error(response: httpx.Response) -> RemoteError | None:
    """Return what a refusal of the token server means."""
    if response.status_code not in {400, 401}:
        return None
    reason = body_of(response).get("error_description") or body_of(response).get("error")
    return AuthError(
        f"LinkedIn gave no access token: {reason or 'no reason given'}",
        hint=f"check {', '.join(REFRESH)}; a refresh token is valid for a year",
        # not 401: renewing a token that cannot be renewed would not end
        status_code=400,
    )


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what an answer that is a refusal means for the caller."""
    status = response.status_code
    body = body_of(response) if status >= 400 else {}
    if status < 400 or status >= 500 or not body:
        return None
    message = f"LinkedIn refused: {message_of(body)}"
    if status == 429:
        return TransientError(
            message, status_code=status, retry_after_seconds=wait_of(response, message)
        )
    if status == 401:
        return AuthError(message, hint=RENEW_HINT, status_code=status)
    if status == 426:
        return TerminalError(
            message, hint="set LINKEDIN_ADS_VERSION to a version of the last year, like 202606"
        )
    if status in {403, 404} and "/adAccounts/" in response.request.url.path:
        hint = f"give the token's member a role on it, or choose others with {CHOICE}"
        return AccountError(message, hint=hint, status_code=status)
    if status == 403:
        hint = "give the token the rights r_ads and r_ads_reporting"
        return AuthError(message, hint=hint, status_code=status)
    return TerminalError(message, status_code=status)


def wait_of(response: httpx.Response, message: str) -> float | None:
    """Return how long a throttled caller must wait; LinkedIn says it in words alone.

    Calls are counted by day, until 00:00 UTC; metric values by five minutes.
    """
    named = retry_after_seconds(response.headers.get("Retry-After"))
    if named is not None:
        return named
    if " DAY limit" in message:
        return seconds_to_midnight(datetime.now(UTC))
    return DATA_VOLUME_SECONDS if "metric values" in message.lower() else None


def seconds_to_midnight(now: datetime) -> float:
    """Return the seconds until the next 00:00 UTC."""
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (tomorrow - now).total_seconds()


def body_of(response: httpx.Response) -> dict[str, Any]:
    """Return the error object, empty where there is none."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def message_of(body: Mapping[str, Any]) -> str:
    """Return what is wrong; the parameter that is wrong stands in the details."""
    details = body.get("errorDetails")
    inputs = details.get("inputErrors") if isinstance(details, dict) else None
    said = [body.get("message"), *(one.get("description") for one in inputs or () if one)]
    return "; ".join(str(text) for text in said if text) or "no reason given"
