"""Ask a platform politely: pace, retry, renew the token, and know when to give up.

Errors of one platform are told apart by its own `classify`; what to do about them is decided
here. A wait longer than the bound is not waited for: the run stops and says when to come back.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from marketing_analytics.core.errors import (
    EXIT_AUTH_OR_LOCK,
    AmbiguousError,
    AuthError,
    PlatformError,
    RemoteError,
    TerminalError,
    TransientError,
)
from marketing_analytics.core.http import (
    RETRY_STATUS_CODES,
    AnswerTooLargeError,
    build_client,
    call_with_retry,
    error_from_exception,
    retry_after_seconds,
    send_bounded,
)

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

# shorter waits are not worth a line
NOTICED_SECONDS = 5.0
# other threads may use up a new token's first failure
MOST_RENEWALS = 3

SHAPES: Mapping[type, str] = {dict: "object", list: "array"}

Classify = Callable[["httpx.Response"], RemoteError | None]


class TooMuchDataError(TerminalError):
    """The platform cannot answer for so many days or rows at once; ask for less."""


class AccountError(TerminalError):
    """One account cannot be read; the others of the platform can."""

    exit_code = EXIT_AUTH_OR_LOCK


class BrokenAnswerError(AmbiguousError):
    """The answer broke off or cannot be read; reading again does no harm."""


@dataclass(frozen=True)
class Limits:
    """How patient and how parallel a run is; all waits in seconds."""

    attempts: int = 5
    retry_base_seconds: float = 1.0
    max_wait_seconds: float = 900.0
    poll_first_seconds: float = 0.1
    poll_max_seconds: float = 10.0
    report_timeout_seconds: float = 1800.0
    answer_seconds: float = 300.0
    workers: int = 4


class Token:
    """A bearer token that can be renewed once it has expired; safe to share by threads."""

    def __init__(self, renew: Callable[[], str]) -> None:
        self._renew = renew
        self._lock = threading.Lock()
        self._value = ""

    def value(self) -> str:
        """Return the token, fetched when first needed."""
        with self._lock:
            if not self._value:
                self._value = self._renew()
            return self._value

    def renew(self, used: str) -> None:
        """Fetch a new token unless another thread did so since `used` was handed out."""
        with self._lock:
            if self._value == used:
                self._value = self._renew()


class Governor:
    """Sends the requests of one platform; safe to share by threads."""

    def __init__(
        self,
        platform: str,
        base_url: str,
        *,
        limits: Limits,
        stop: threading.Event,
        classify: Classify,
        headers: Mapping[str, str] | None = None,
        token: Token | None = None,
        pace: Callable[[httpx.Response], float] | None = None,
        max_connections: int = 8,
        loads: Callable[[bytes], Any] = orjson.loads,
        shape: type = dict,
        setting: str = "",
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.platform = platform
        self.limits = limits
        self.stop = stop
        self.token = token
        self._classify = classify
        self._pace = pace
        self._loads = loads
        self._shape = shape
        # where another address is set
        self._setting = setting
        self._on_wait = on_wait
        self._slots = threading.BoundedSemaphore(max_connections)
        self._not_before = 0.0
        self._client = build_client(base_url.rstrip("/"), dict(headers or {}))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the decoded answer of a GET."""
        return self.send("GET", path, params=dict(params or {}))

    def post(self, path: str, **kwargs: Any) -> Any:
        """Return the decoded answer of a POST; only for requests that may be repeated."""
        return self.send("POST", path, **kwargs)

    def send(self, method: str, path: str, *, is_large: bool = False, **kwargs: Any) -> Any:
        """Return the decoded answer to a request, as `exchange` does."""
        return self.exchange(method, path, is_large=is_large, **kwargs)[0]

    def exchange(
        self, method: str, path: str, *, is_large: bool = False, **kwargs: Any
    ) -> tuple[Any, httpx.Response]:
        """Send until answered; raise RemoteError once that makes no sense any more.

        Return the decoded answer, and the answer itself for its headers. For a large answer a
        broken-off one raises TooMuchDataError at once: the same request would break again.
        """
        try:
            return call_with_retry(
                lambda: self._send_whole(method, path, kwargs, is_large),
                attempts=self.limits.attempts,
                base_seconds=self.limits.retry_base_seconds,
                max_wait_seconds=self.limits.max_wait_seconds,
                sleep=self.sleep,
                on_wait=lambda error, seconds: self._say_wait(seconds, error.message),
            )
        except TransientError as error:
            raise self._come_back(error) from None

    def sleep(self, seconds: float) -> None:
        """Wait, but wake up when the run is stopped."""
        if self.stop.wait(seconds):
            raise PlatformError("stopped")

    def hold(self, seconds: float) -> None:
        """Let no request leave for some time; raise when that is beyond the bound."""
        if seconds > self.limits.max_wait_seconds:
            slow = TransientError("the call budget is used up", retry_after_seconds=seconds)
            raise self._come_back(slow)
        self._not_before = max(self._not_before, time.monotonic() + seconds)
        self._say_wait(seconds, "the call budget is nearly used up")

    def _say_wait(self, seconds: float, reason: str) -> None:
        """Tell of waits that a person would notice."""
        if seconds >= NOTICED_SECONDS:
            self._on_wait(f"{self.platform}: waiting {span_text(seconds)}, {reason}")

    def _come_back(self, error: TransientError) -> RemoteError:
        """Return the error with the time to come back, if the platform named a long wait."""
        asked = error.retry_after_seconds
        if asked is None or asked <= self.limits.max_wait_seconds:
            return error
        at = datetime.now(UTC) + timedelta(seconds=asked)
        return TransientError(
            f"{self.platform} asks to wait {span_text(asked)}: {error.message}",
            hint=f"run again after {at:%Y-%m-%d %H:%M} UTC; what was read so far is kept",
            status_code=error.status_code,
            retry_after_seconds=asked,
        )

    def _send_whole(
        self, method: str, path: str, kwargs: dict[str, Any], is_large: bool
    ) -> tuple[Any, httpx.Response]:
        try:
            return self._send_renewing(method, path, kwargs)
        except AnswerTooLargeError as error:
            raise TooMuchDataError(f"{self.platform}: {error.message}") from None
        except BrokenAnswerError as error:
            if is_large:
                raise TooMuchDataError(error.message, hint=error.hint) from None
            raise

    def _send_renewing(
        self, method: str, path: str, kwargs: dict[str, Any]
    ) -> tuple[Any, httpx.Response]:
        """Send once; with an expired token renew it and send again."""
        if self.token is None:
            return self._send_once(method, path, kwargs)
        for _ in range(MOST_RENEWALS):
            used = self.token.value()
            try:
                return self._send_once(method, path, kwargs, used)
            except AuthError as error:
                if error.status_code != 401:
                    raise
                self.token.renew(used)
        return self._send_once(method, path, kwargs, self.token.value())

    def _send_once(
        self, method: str, path: str, kwargs: dict[str, Any], token: str = ""
    ) -> tuple[Any, httpx.Response]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        sent = {**kwargs, "headers": headers | kwargs.get("headers", {})}
        with self._slots, self._transport_errors():
            self._wait_for_turn()
            response = send_bounded(
                self._client,
                method,
                path,
                answer_seconds=self.limits.answer_seconds,
                **sent,
            )
        if self._pace and (seconds := self._pace(response)) > 0:
            self.hold(seconds)
        error = self._classify(response) or error_of_status(self.platform, response)
        if error is not None:
            if isinstance(error, TransientError):
                error.hint = error.hint or f"{self.platform} has trouble; run again later"
            raise error
        return self._decode(response), response

    def _wait_for_turn(self) -> None:
        if self.stop.is_set():
            raise PlatformError("stopped")
        wait = self._not_before - time.monotonic()
        if wait > 0:
            self.sleep(wait)

    @contextlib.contextmanager
    def _transport_errors(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            ours = error_from_exception(error, self._named(error), self._setting)
            if isinstance(ours, AmbiguousError):
                ours = BrokenAnswerError(ours.message, hint="run again")
            raise ours from None

    def _named(self, error: Exception) -> str:
        """Return the platform with the host and port that was asked, as far as it is known."""
        import httpx

        if not isinstance(error, httpx.HTTPError):
            return self.platform
        try:
            netloc = error.request.url.netloc
        except RuntimeError:
            # it was never given its request
            return self.platform
        return f"{self.platform} at {netloc.decode()}"

    def _decode(self, response: httpx.Response) -> Any:
        """Return the JSON; half a document or a web page is a fault that may pass."""
        try:
            decoded = self._loads(response.content)
        except (ValueError, RecursionError):
            decoded = None
        if isinstance(decoded, self._shape):
            return decoded
        expected = "JSON" if decoded is None else f"a JSON {SHAPES[self._shape]}"
        raise BrokenAnswerError(
            f"{self.platform} answered {path_of(response)} with something that is not {expected}",
            hint="run again; if it stays so, a proxy may answer instead of the platform",
            status_code=response.status_code,
        ) from None


def error_of_status(platform: str, response: httpx.Response) -> RemoteError | None:
    """Return what a status code means on every platform; None for success."""
    status = response.status_code
    if status < 300:
        return None
    message = f"{platform} answered {path_of(response)} with HTTP {status}"
    if status in RETRY_STATUS_CODES:
        wait = retry_after_seconds(response.headers.get("Retry-After"))
        return TransientError(message, status_code=status, retry_after_seconds=wait)
    if status in {401, 403}:
        return AuthError(message, hint="check the access settings", status_code=status)
    return TerminalError(message, status_code=status)


def is_outage(error: RemoteError, limits: Limits) -> bool:
    """Return whether a failure is of the platform, not of what was asked for.

    Nothing was reached, or it asks for a wait that is too long.
    """
    if not isinstance(error, TransientError):
        return False
    asked = error.retry_after_seconds or 0.0
    return error.status_code is None or error.status_code == 429 or asked > limits.max_wait_seconds


def path_of(response: httpx.Response) -> str:
    """Return the path that was asked; the query may hold a secret."""
    return response.request.url.path


def span_text(seconds: float) -> str:
    """Return a duration in the unit a person would use."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
