"""What an HTTP failure means for the caller, decided in one place.

Not sent or throttled: TransientError. Refused: TerminalError or AuthError. Sent, but the
answer was lost: AmbiguousError. Answers are read with a bound on their bytes, after they are
unpacked, and on their time. httpx is imported when first used: it costs 0.3 s.
"""

from __future__ import annotations

import email.utils
import functools
import os
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from marketing_analytics.core.errors import (
    AmbiguousError,
    RemoteError,
    TerminalError,
    TransientError,
)

if TYPE_CHECKING:
    import ssl

    import httpx

T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 60.0
# a whole answer, from its first byte to its last
ANSWER_SECONDS = 600.0
# where httpx looks for authorities
CERTIFICATE_SETTINGS = ("SSL_CERT_FILE", "SSL_CERT_DIR")
MAX_ANSWER_BYTES = 256 * 1024 * 1024
RETRY_STATUS_CODES = frozenset({408, 425, 429, 500, 502, 503, 504})


def build_client(base_url: str, headers: dict[str, str] | None = None) -> httpx.Client:
    """Return a client with timeouts set; redirects are not followed."""
    import httpx

    timeout = httpx.Timeout(READ_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS)
    context = certificates(*map(os.environ.get, CERTIFICATE_SETTINGS))
    return httpx.Client(base_url=base_url, headers=headers, timeout=timeout, verify=context)


@functools.cache
def certificates(*_settings: str | None) -> ssl.SSLContext:
    """Return the authorities that httpx believes with these settings; to read them takes 50 ms."""
    import httpx

    return httpx.create_ssl_context()


class AnswerTooLargeError(TerminalError):
    """An answer is larger, unpacked, than anybody asked for."""


def send_bounded(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    max_bytes: int = MAX_ANSWER_BYTES,
    answer_seconds: float = ANSWER_SECONDS,
    **kwargs: Any,
) -> httpx.Response:
    """Return the answer with its whole body read.

    Raise AnswerTooLargeError beyond `max_bytes` and httpx.ReadTimeout beyond `answer_seconds`:
    the read time-out of a client holds for each packet, so a body that drips would never end.
    """
    import httpx

    until = time.monotonic() + answer_seconds
    with client.stream(method, url, **kwargs) as response:
        parts = []
        size = 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise AnswerTooLargeError(
                    f"the answer to {response.request.url.path} is larger than "
                    f"{max_bytes // 2**20} MiB",
                    status_code=response.status_code,
                )
            if time.monotonic() > until:
                raise httpx.ReadTimeout(
                    f"it was not complete after {answer_seconds:.0f} s", request=response.request
                )
        headers = [(k, v) for k, v in response.headers.raw if k.lower() != b"content-encoding"]
    return httpx.Response(
        response.status_code, headers=headers, content=b"".join(parts), request=response.request
    )


def error_from_exception(error: Exception, host: str, setting: str = "") -> RemoteError:
    """Return our error for a transport failure of httpx; `setting` holds the address."""
    import httpx

    not_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
    if isinstance(error, not_sent):
        return TransientError(
            f"cannot reach {host}: {reason_of(error)}",
            hint=f"check {setting or 'the address'} and that the server is running",
        )
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        hint = f"write {setting}=https://host" if setting else "write https://host"
        return RemoteError(f"{host} is not an address: {error}", hint=hint)
    return AmbiguousError(
        f"the answer of {host} was lost: {reason_of(error)}",
        hint="the request may have been carried out",
    )


def reason_of(error: Exception) -> str:
    """Return a short reason, also where the library gives an empty text."""
    return str(error) or type(error).__name__


def retry_after_seconds(header: str | None, now: float | None = None) -> float | None:
    """Return the wait asked for by a Retry-After header, in seconds or date form."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        at = email.utils.parsedate_to_datetime(header).timestamp()
    except (TypeError, ValueError):
        return None
    return max(0.0, at - (time.time() if now is None else now))


def call_with_retry(
    call: Callable[[], T],
    *,
    attempts: int = 5,
    base_seconds: float = 1.0,
    max_wait_seconds: float = 300.0,
    is_repeatable: bool = True,
    on_wait: Callable[[RemoteError, float], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Call until it succeeds, fails for good or `attempts` are used up.

    TransientError is retried always, AmbiguousError only when the request is repeatable.
    Waits double with jitter; a Retry-After longer than `max_wait_seconds` is not waited for.
    """
    for attempt in range(1, attempts + 1):
        try:
            return call()
        except (TransientError, AmbiguousError) as error:
            if attempt == attempts or (isinstance(error, AmbiguousError) and not is_repeatable):
                raise
            wait = wait_seconds(error, attempt, base_seconds)
            if wait > max_wait_seconds:
                raise
            if on_wait:
                on_wait(error, wait)
            sleep(wait)
    raise AssertionError("unreachable")


def wait_seconds(error: RemoteError, attempt: int, base_seconds: float) -> float:
    """Return how long to wait before the next attempt."""
    asked = getattr(error, "retry_after_seconds", None)
    if asked is not None:
        return float(asked)
    return float(base_seconds * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311
