"""How fast calls go: their rate, how many are under way at a time, and pauses.

dbt Cloud allows an account 5,000 calls a minute and answers 429 beyond; then nobody of the
account may call for five minutes. All threads of a client share one pace.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from marketing_analytics.core.errors import RemoteError

# in any minute at most 600 + 60 * 60 calls, which leaves others of the account a quarter
CALLS_PER_SECOND = 60.0
CALL_BURST = 600
FIRST_AT_A_TIME = 8.0
MOST_AT_A_TIME = 32
# how often a person who waits is told what remains
TELL_SECONDS = 60.0
# statuses that say that there were too many calls, or that the server is in trouble
TROUBLE = frozenset({429, 500, 502, 503, 504})


class Stopped(RemoteError):  # noqa: N818 - nothing is wrong
    """Somebody who waits was told to stop; nothing was sent."""


class TokenBucket:
    """Says how long to wait so that at most `rate` calls a second pass, after a burst."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate = rate
        self.burst = float(burst)
        self.tokens = float(burst)
        self.filled_at = time.monotonic()
        self.lock = threading.Lock()

    def take(self) -> float:
        """Take a token and return the seconds until it may be used."""
        with self.lock:
            now = time.monotonic()
            self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
            self.filled_at = now
            self.tokens -= 1
            return max(0.0, -self.tokens / self.rate)


class Pace:
    """The pace of one client.

    Calls at a time start at 8, grow with good answers to 32 and halve when the server is in
    trouble.
    """

    def __init__(self) -> None:
        self.bucket = TokenBucket(CALLS_PER_SECOND, CALL_BURST)
        self.at_a_time = FIRST_AT_A_TIME
        self.has_been_halved = False
        self.under_way = 0
        self.room = threading.Condition()
        self.paused_until = 0.0
        self.is_stopped = threading.Event()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Hold a place among the calls under way; what is raised inside changes the pace."""
        while (left := self.paused_until - time.monotonic()) > 0:
            self.rest(left)
        self.rest(self.bucket.take())
        with self.room:
            self.room.wait_for(lambda: self.under_way < max(1, int(self.at_a_time)))
            self.under_way += 1
        is_good = False
        try:
            yield
            is_good = True
        except RemoteError as error:
            # an answer that refuses is an answer
            is_good = error.status_code is not None and error.status_code not in TROUBLE
            raise
        finally:
            with self.room:
                self.under_way -= 1
                self.adapt(is_good)
                self.room.notify_all()

    def adapt(self, is_good: bool) -> None:
        """Grow by one for each good answer until the first trouble, then slowly; halve on one."""
        if not is_good:
            self.at_a_time = max(1.0, self.at_a_time / 2)
            self.has_been_halved = True
        else:
            step = 1 / self.at_a_time if self.has_been_halved else 1.0
            self.at_a_time = min(float(MOST_AT_A_TIME), self.at_a_time + step)

    def pause(self, seconds: float) -> bool:
        """Let nobody call for so long; return whether that is news."""
        with self.room:
            until = time.monotonic() + seconds
            is_news = until > self.paused_until + 1
            self.paused_until = max(self.paused_until, until)
        return is_news

    def rest(self, seconds: float, tell: Callable[[float], None] | None = None) -> None:
        """Wait, and tell what remains now and every minute. Raise Stopped when told to stop."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if tell:
                tell(left)
            if self.is_stopped.wait(min(left, TELL_SECONDS)):
                raise Stopped(
                    "interrupted while waiting for dbt Cloud", hint="repeat the command: it goes on"
                )

    def stop(self) -> None:
        """End all waits; what tidies up is then tried at once, pause or not."""
        self.paused_until = 0.0
        self.is_stopped.set()
