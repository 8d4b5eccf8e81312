"""Days that are read again, also final ones, and which of them were: a killed one goes on.

What was read again is noted in the source's state together with the rows. The note goes when all
of it was read, or when other days or accounts are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.engine.windows import Coverage, Window

STATE = "backfill"


@dataclass(frozen=True)
class Planned:
    """A window of days to be read; `account_id` may be the id of a mailing too."""

    report: str
    account_id: str
    window: Window


@dataclass
class Backfill:
    """The days to read again of one source; of all its accounts where none is named."""

    window: Window
    accounts: frozenset[str] = frozenset()
    # days after today were asked for
    has_days_ahead: bool = False
    # only say what would be read
    is_dry: bool = False
    # report, account, days as in Coverage; a part of the source's state
    done: dict[str, dict[str, list[list[str]]]] = field(default_factory=dict)
    seen_accounts: set[str] = field(default_factory=set)
    planned: list[Planned] = field(default_factory=list)

    def begin(self, state: dict[str, Any]) -> None:
        """Take up what an earlier backfill of the same days and accounts left in the state."""
        own = {
            "since": str(self.window.start),
            "until": str(self.window.end),
            "accounts": sorted(self.accounts),
        }
        left = state.get(STATE, {})
        if {name: left.get(name) for name in own} != own:
            left = state[STATE] = {**own, "done": {}}
        self.done = left["done"]

    def coverage(self, report: str, account_id: str) -> Coverage:
        """Return what makes a source read these days and no others."""
        self.seen_accounts.add(plain(account_id))
        return Again(self, report, account_id)

    def is_due(self, report: str, account_id: str, day: date) -> bool:
        """Return whether a day of an account is wanted and was not read again yet."""
        if not self.window.start <= day <= self.window.end:
            return False
        if self.accounts and plain(account_id) not in set(map(plain, self.accounts)):
            return False
        return day not in self._read(report, account_id).read_on

    def mark(self, report: str, account_id: str, window: Window, read_on: date) -> None:
        """Note a window as read again."""
        coverage = self._read(report, account_id)
        coverage.mark(window, read_on)
        self.done.setdefault(report, {})[account_id] = coverage.to_state()

    def _read(self, report: str, account_id: str) -> Coverage:
        return Coverage.from_state(self.done.get(report, {}).get(account_id, []))

    def refusal(self, lost: Iterable[str]) -> UserError | None:
        """Return the error that names the accounts asked for that the source does not have."""
        known = self.seen_accounts | set(map(plain, lost))
        absent = sorted(account for account in self.accounts if plain(account) not in known)
        if not absent:
            return None
        words = "is no account" if len(absent) == 1 else "are no accounts"
        return UserError(
            f"there {words} {', '.join(absent)} to read again",
            hint=f"accounts are {', '.join(sorted(self.seen_accounts)) or 'not known'}",
        )


class Again(Coverage):
    """The days of a backfill for one account and report."""

    def __init__(self, backfill: Backfill, report: str, account_id: str) -> None:
        super().__init__()
        self.backfill = backfill
        self.report = report
        self.account_id = account_id

    def days_to_read(self, wanted: Window, lookback_days: int) -> list[date]:
        """Return the wanted days that the backfill asks for, final or not."""
        del lookback_days
        due = self.backfill.is_due
        return [day for day in wanted.days() if due(self.report, self.account_id, day)]


def plain(account_id: str) -> str:
    """Return an account's id without what platforms show around it."""
    return account_id.removeprefix("act_").replace("-", "")
