"""How far the reading of something is: windows, rows, and the time that is left."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Progress:
    """Windows and rows of a source or of one account."""

    planned: int = 0
    done: int = 0
    rows: int = 0
    began_at: float = field(default_factory=time.monotonic)

    def seconds_left(self) -> float | None:
        """Return about how long the rest takes; None before anything can be said."""
        if not self.done or self.planned <= self.done:
            return None
        return (time.monotonic() - self.began_at) / self.done * (self.planned - self.done)


class ByAccount:
    """The progress of a source and of each of its accounts; its user locks."""

    def __init__(self) -> None:
        self.whole = Progress()
        self.accounts: dict[str, Progress] = defaultdict(Progress)

    def of(self, account_id: str) -> list[Progress]:
        """Return what counts for an account: the source, and the account where one is named."""
        return [self.whole, *([self.accounts[account_id]] if account_id else [])]

    def plan(self, count: int, account_id: str) -> None:
        """Announce windows."""
        for progress in self.of(account_id):
            if not progress.planned:
                progress.began_at = time.monotonic()
            progress.planned += count

    def read(self, count: int, account_id: str) -> None:
        """Count windows as read."""
        for progress in self.of(account_id):
            progress.done += count

    def add_rows(self, count: int, account_id: str) -> None:
        """Count rows."""
        for progress in self.of(account_id):
            progress.rows += count

    def unfinished(self) -> dict[str, Progress]:
        """Return the accounts that have windows left, where there are several accounts."""
        if len(self.accounts) < 2:
            return {}
        found = dict(self.accounts)
        return {name: one for name, one in found.items() if one.done < one.planned}
