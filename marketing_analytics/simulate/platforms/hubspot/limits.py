"""HubSpot's limits on calls: in ten seconds, of searches in one second, in a day."""

from __future__ import annotations

import time
from collections import deque

from starlette.requests import Request
from starlette.responses import Response

from marketing_analytics.simulate.emulation.control import DAY_US
from marketing_analytics.simulate.platforms.hubspot.refusals import over_limit

BURST_SECONDS = 10.0


class CallLimits:
    """What was called of late. Bursts are counted by the wall clock, days by the simulated one."""

    def __init__(self) -> None:
        self.calls: deque[float] = deque()
        self.searches: deque[float] = deque()
        self.day = -1
        self.calls_of_day = 0

    def forget(self) -> None:
        """Start anew."""
        self.calls.clear()
        self.searches.clear()
        self.day, self.calls_of_day = -1, 0

    def count(self, request: Request, now_us: int, knobs: dict[str, float]) -> None:
        """Count a call. Raise RefusalError for one too many."""
        day = now_us // DAY_US
        if day != self.day:
            self.day, self.calls_of_day = day, 0
        if self.calls_of_day >= knobs["daily_limit"]:
            raise over_limit("DAILY")
        now = time.monotonic()
        if request.url.path.rstrip("/").endswith("/search"):
            self.take(self.searches, now, 1.0, knobs["search_limit"], "SECONDLY")
        else:
            self.take(self.calls, now, BURST_SECONDS, knobs["burst_limit"], "TEN_SECONDLY_ROLLING")
        self.calls_of_day += 1

    def take(
        self, calls: deque[float], now: float, seconds: float, limit: float, policy: str
    ) -> None:
        """Note a call of some kind. Raise RefusalError when there were too many of late."""
        while calls and calls[0] <= now - seconds:
            calls.popleft()
        if len(calls) >= limit:
            raise over_limit(policy)
        calls.append(now)

    def tell(self, answer: Response, knobs: dict[str, float]) -> None:
        """Add the headers that say how much is left."""
        answer.headers["X-HubSpot-RateLimit-Max"] = f"{knobs['burst_limit']:.0f}"
        left = knobs["burst_limit"] - len(self.calls)
        answer.headers["X-HubSpot-RateLimit-Remaining"] = f"{left:.0f}"
        answer.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000"
        answer.headers["X-HubSpot-RateLimit-Daily"] = f"{knobs['daily_limit']:.0f}"
        left_today = knobs["daily_limit"] - self.calls_of_day
        answer.headers["X-HubSpot-RateLimit-Daily-Remaining"] = f"{left_today:.0f}"
