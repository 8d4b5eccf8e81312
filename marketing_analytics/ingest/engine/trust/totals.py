"""Reconcile what was read of a window with the account's own totals by day.

A difference is kept in `_totals` and shown. A large one is doubted: the old rows stay until the
next read finds the same difference, since platforms have some of their own (deleted ads).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from marketing_analytics.ingest.engine.answers import Account
from marketing_analytics.ingest.engine.governor import BrokenAnswerError
from marketing_analytics.ingest.engine.job import Job, Piece, Reconcile
from marketing_analytics.ingest.engine.tables import DoubtfulError, Table
from marketing_analytics.ingest.engine.windows import Window

TOTALS = Table(
    "_totals",
    {
        "account_id": "text",
        # empty where a source has one report
        "report": "text",
        "date": "date",
        "account_total": "fraction",
        "loaded_total": "fraction",
    },
    key=("account_id", "report", "date"),
    mode="parts",
    part_by=("account_id", "report", "date"),
)

Amounts = Mapping[date, Decimal]

# of the window's own total
MOST_MISSING_SHARE = Decimal("0.01")
# two differences are the same, nearly
ALIKE_SHARE = Decimal("0.1")
# platforms have more decimals than raw tables, and none of them is money
LEAST_DIFFERENCE = Decimal("0.005")
# these days still move between two calls
UNSETTLED_DAYS = 1


class UnreconciledError(DoubtfulError):
    """Rows do not add up to what the account itself says."""


@dataclass(frozen=True)
class Reconciliation:
    """The cost of one account and window by day: its own totals, and what the rows add up to."""

    account_id: str
    window: Window
    account: Amounts
    loaded: Amounts
    currency: str
    report: str = ""

    @property
    def differences(self) -> dict[date, Decimal]:
        """Return loaded less own by day, where they differ by a cent."""
        days = self.window.days()
        found = {day: self.loaded.get(day, Decimal(0)) - self.own(day) for day in days}
        return {day: by for day, by in found.items() if abs(by) >= LEAST_DIFFERENCE}

    def own(self, day: date) -> Decimal:
        """Return the account's total of a day."""
        return self.account.get(day, Decimal(0))

    def piece(self) -> Piece:
        """Return the rows of `_totals`: the days with any cost."""
        days = [day for day in self.window.days() if self.own(day) or self.loaded.get(day)]
        columns: dict[str, list[Any]] = {
            "account_id": [self.account_id] * len(days),
            "report": [self.report] * len(days),
            "date": days,
            "account_total": [str(self.own(day)) for day in days],
            "loaded_total": [str(self.loaded.get(day, Decimal(0))) for day in days],
        }
        parts = tuple((self.account_id, self.report, day) for day in self.window.days())
        return Piece(TOTALS, columns, None, parts)

    def check(self, job: Job, today: date, *, is_sure: bool = False) -> UnreconciledError | None:
        """Note the differences; return a doubt for a large one that is new."""
        last = today - timedelta(days=UNSETTLED_DAYS + 1)
        settled = {day: by for day, by in self.differences.items() if day <= last}
        total = sum(map(self.own, self.window.days()), Decimal(0))
        missing = sum(map(abs, settled.values()), Decimal(0))
        place = f"{self.account_id} {self.report}".strip()
        seen: dict[str, str] = job.state.setdefault("differences", {}).setdefault(place, {})
        before = [seen.pop(str(day), "0") for day in self.window.days()]
        seen.update({str(day): str(by) for day, by in settled.items()})
        is_large = missing > MOST_MISSING_SHARE * max(total, missing)
        # days are restated between two reads, and their differences with them
        news = abs(missing - sum((abs(Decimal(by)) for by in before), Decimal(0)))
        is_known = news <= ALIKE_SHARE * missing
        if is_large and not (is_known or is_sure or job.guard.is_accepting):
            return UnreconciledError(
                f"rows add up to {total + sum(settled.values()):,.2f}, the account itself says "
                f"{total:,.2f} {self.currency}; what was loaded stays",
                hint="run again: such a difference is believed then; or pass --accept-shrinkage",
            )
        job.differences += [
            f"account {place}, {day}: rows differ by {by:,.2f} "
            f"{self.currency} from the account's own total"
            for day, by in settled.items()
        ]
        return None


def reconciler(
    job: Job,
    account: Account,
    window: Window,
    totals: Amounts,
    column: str,
    places: int = 0,
    report: str = "",
) -> Reconcile:
    """Return what compares costs, in units of 10 ** -places, with an account's own totals."""
    today = job.now.astimezone(account.zone).date()

    def reconcile(built: Any, *, is_sure: bool) -> tuple[Piece, UnreconciledError | None]:
        loaded = by_day(built, column, places)
        found = Reconciliation(account.account_id, window, totals, loaded, account.currency, report)
        return found.piece(), found.check(job, today, is_sure=is_sure)

    return reconcile


def by_day(built: Any, column: str, places: int = 0) -> dict[date, Decimal]:
    """Return a column of an Arrow table summed by `date`, in units of 10 ** -places."""
    grouped = built.group_by("date", use_threads=False).aggregate([(column, "sum")])
    days, sums = (grouped.column(name).to_pylist() for name in ("date", f"{column}_sum"))
    return {
        day: Decimal(amount).scaleb(-places)
        for day, amount in zip(days, sums, strict=True)
        if amount is not None
    }


def day_amounts(days: Sequence[Any], amounts: Sequence[Any]) -> dict[date, Decimal]:
    """Return the totals in an answer; raise BrokenAnswerError for what is no day or amount."""
    found: dict[date, Decimal] = {}
    for day, amount in zip(days, amounts, strict=True):
        try:
            on, cost = date.fromisoformat(day), Decimal(str(amount or 0))
        except (TypeError, ValueError, InvalidOperation):
            raise BrokenAnswerError(
                f"the account's total is no amount of a day: {day!r}, {amount!r}"
            ) from None
        found[on] = found.get(on, Decimal(0)) + cost
    return found
