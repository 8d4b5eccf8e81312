"""The jobs of the demo while they run: a line each with state, time and what it waits for."""

from __future__ import annotations

import time
from itertools import pairwise

KEY_WIDTH = 29


class Board:
    """The jobs that did not end yet, in the order in which they are started."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = list(keys)
        self._doing = "starting"
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """Note what the running job does now."""
        self._doing = text

    def end(self) -> None:
        """Take the running job off; the next one starts."""
        self._keys = self._keys[1:]
        self._doing = "starting"
        self._started = time.monotonic()

    def lines(self) -> list[str]:
        """Return a line per job; the first one is the running job."""
        # the display reads while the demo writes: one look at the list
        keys = self._keys
        if not keys:
            return []
        waiting = [f"  {key:<{KEY_WIDTH}} waits for {ahead}" for ahead, key in pairwise(keys)]
        return [line_of(keys[0], time.monotonic() - self._started, self._doing), *waiting]


def line_of(key: str, seconds: float, text: str) -> str:
    """Return the line of a job with its time; short enough for 40 columns."""
    return f"  {key:<{KEY_WIDTH}}{seconds:4.0f} s {text}"
