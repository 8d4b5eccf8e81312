"""What a link of a chain is, and what was found at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Row = Mapping[str, Any]
Status = Literal["ok", "broken", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """What a judge says of the rows of a link: the figure that decides, in a sentence."""

    status: Status
    sentence: str


Judge = Callable[[Sequence[Row]], Verdict]


@dataclass(frozen=True)
class Link:
    """One link: its query (a file below `queries`), its judge, and what mends it.

    `absent` is what it means that its tables are not there, where that is no fault. `is_of_days`:
    whether it asks for the days of the marts, and so says itself that there are none.
    """

    name: str
    query: str
    asks: str
    tables: str
    judge: Judge
    action: str
    runbook: str
    absent: str = ""
    is_of_days: bool = False


@dataclass(frozen=True)
class Finding:
    """A link that was looked at; `query` shows its evidence, `rows` are the first of them."""

    link: Link
    status: Status
    sentence: str
    query: str
    rows: tuple[Row, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the form of the `--json` output."""
        return {
            "link": self.link.name,
            "asks": self.link.asks,
            "status": self.status,
            "sentence": self.sentence,
            "tables": self.link.tables,
            "query": self.query,
            "rows": [dict(row) for row in self.rows],
            "action": self.link.action,
            "runbook": self.link.runbook,
        }


def ok(sentence: str) -> Verdict:
    """Return that a link holds."""
    return Verdict("ok", sentence)


def broken(sentence: str) -> Verdict:
    """Return that a link does not hold."""
    return Verdict("broken", sentence)


def unknown(sentence: str) -> Verdict:
    """Return that nothing can be said of a link."""
    return Verdict("unknown", sentence)


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return some names for a sentence, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def percent(share: float | None) -> str:
    """Return a share for a sentence."""
    return "nothing" if share is None else f"{100 * share:.1f} %"


def share(part: Any, whole: Any) -> float | None:
    """Return part of whole, None of nothing."""
    return float(part or 0) / float(whole) if whole else None


def money(amount: Any) -> str:
    """Return an amount for a sentence."""
    return f"{amount:,.2f}"
