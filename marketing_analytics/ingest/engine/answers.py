"""Read answers that may be odd: parts of the wrong type, lists that never end, strange accounts.

What is odd here ends one request, one list or one account, with a sentence; never the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marketing_analytics.core.errors import TerminalError
from marketing_analytics.ingest.engine.governor import AccountError, BrokenAnswerError
from marketing_analytics.ingest.engine.job import Job

T = TypeVar("T")
Row = Mapping[str, Any]

# nobody has so many pages of one list; 5,000 pages of 500 are 2.5 million rows
MOST_PAGES = 5_000


class EndlessListError(TerminalError):
    """A list goes round in a circle or does not end."""


def records(body: Any, name: str, path: str) -> list[dict[str, Any]]:
    """Return the list of records at `name`, empty where it is absent.

    Raise BrokenAnswerError when it is anything but a list of objects.
    """
    found = body.get(name) if isinstance(body, Mapping) else body
    if found is None and isinstance(body, Mapping):
        return []
    if isinstance(found, list) and all(isinstance(row, dict) for row in found):
        return found
    raise BrokenAnswerError(f"the answer to {path} has no list of records at {name}")


def part(body: Any, name: str, path: str) -> dict[str, Any]:
    """Return the object at `name`, empty where it is absent; raise BrokenAnswerError for others."""
    found = body.get(name) if isinstance(body, Mapping) else body
    if found is None and isinstance(body, Mapping):
        return {}
    if isinstance(found, dict):
        return found
    raise BrokenAnswerError(f"the answer to {path} has no object at {name}")


def whole_number(body: Mapping[str, Any], name: str, path: str) -> int:
    """Return a count, 0 where it is absent; raise BrokenAnswerError where it is none."""
    found = body.get(name)
    if found is None:
        return 0
    try:
        return int(found)
    except (TypeError, ValueError):
        raise BrokenAnswerError(f"the answer to {path} has no number at {name}") from None


class Cursors:
    """The cursors of one list: none comes twice, and there is an end."""

    def __init__(self, what: str, most: int = MOST_PAGES) -> None:
        self.what = what
        self.most = most
        self.seen: set[str] = set()

    def check(self, cursor: str) -> None:
        """Note a cursor that is about to be followed; raise EndlessListError."""
        if cursor in self.seen:
            raise EndlessListError(f"{self.what} goes round in a circle: a page came twice")
        self.seen.add(cursor)
        if len(self.seen) >= self.most:
            raise EndlessListError(f"{self.what} has not ended after {self.most:,} pages")


@dataclass(frozen=True)
class Account:
    """An account of a platform; its dates are local to `zone`."""

    account_id: str
    currency: str
    zone: ZoneInfo
    name: str = ""


def as_account(row: Row, account_id: str, currency: str, zone: str, name: str = "") -> Account:
    """Return the account in a record; raise AccountError where a field is of no use."""
    found, code, place = (row.get(field) for field in (account_id, currency, zone))
    if not isinstance(code, str) or not (len(code) == 3 and code.isalpha()):
        raise AccountError(f"its currency is {code!r}", hint="set it at the platform")
    try:
        own = str(row.get(name) or "")
        return Account(str(found), code.upper(), ZoneInfo(str(place or "")), own)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise AccountError(
            f"its time zone is {place!r}, which is none",
            hint="set it at the platform: days are days of the account",
        ) from None


def readable(
    job: Job, rows: Iterable[Row], id_of: str, make: Callable[[Row], T], what: str = "account"
) -> list[T]:
    """Return what `make` makes of records; an account of which it makes nothing is lost."""
    found = []
    for row in rows:
        try:
            found.append(make(row))
        except AccountError as error:
            job.lose(str(row.get(id_of) or "without an id"), error, what)
    return found
