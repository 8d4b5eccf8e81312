"""What a backfill would read: the platform is asked for accounts and lists, no window is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from marketing_analytics.core import clock
from marketing_analytics.core.commands import program
from marketing_analytics.core.errors import PlatformError, UserError
from marketing_analytics.ingest.engine.backfill import Backfill
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.persons import key_of
from marketing_analytics.ingest.engine.windows import Window
from marketing_analytics.ingest.platforms import load_source
from marketing_analytics.ingest.raw.places import opened
from marketing_analytics.ingest.raw.state import stored_state
from marketing_analytics.ingest.request import Request, as_date, check_sources


@dataclass(frozen=True)
class Line:
    """The days of one report and account (or mailing) that would be read."""

    report: str
    account_id: str
    window: Window
    days: int
    windows: int

    def as_json(self) -> dict[str, str | int]:
        """Return the form of the `--json` output."""
        return {
            "report": self.report,
            "account_id": self.account_id,
            "first_day": str(self.window.start),
            "last_day": str(self.window.end),
            "days": self.days,
            "windows": self.windows,
        }

    def cells(self) -> list[str]:
        """Return the row of the table."""
        account = self.account_id or "-"
        ends = [str(self.window.start), str(self.window.end)]
        return [self.report, account, *ends, f"{self.days:,}", f"{self.windows:,}"]


def backfill_of(
    source: str, since: date, until: str | None, accounts: tuple[str, ...], *, is_dry: bool
) -> Backfill:
    """Return the days to read again. Raise UserError for a source or days of no use."""
    if not load_source(source).has_days:
        raise UserError(
            f"{source} is not read by days",
            hint=f"`{program()} ingest run --source {source} --reread` reads all of it again",
        )
    today = clock.today()
    wanted = as_date(until, "--until") if until else today
    last = min(wanted, today)
    if last < since:
        raise UserError(
            f"the last day {last} lies before the first ({since})",
            hint="give --until a day from the first on",
        )
    days = Window(since, last)
    return Backfill(days, frozenset(accounts), has_days_ahead=wanted > today, is_dry=is_dry)


def plan(
    request: Request, backfill: Backfill, say: Callable[[str], None]
) -> tuple[list[Line], list[PlatformError]]:
    """Return what would be read, and what cannot be; say which days are left out."""
    for note in replace(request, backfill=backfill).notes:
        say(note)
    job = planned(request, backfill)
    while not job.notes.empty():
        say(job.notes.get())
    job.end()
    return lines_of(backfill), job.failures


def check_accounts(request: Request, backfill: Backfill) -> None:
    """Raise UserError for accounts that the source does not have, before a day is read.

    Where it cannot be asked for its accounts, the reading says why.
    """
    if not backfill.accounts:
        return
    dry = Backfill(backfill.window, backfill.accounts, is_dry=True)
    job = planned(request, dry)
    is_known = dry.seen_accounts or job.lost or not job.failures
    if is_known and (error := dry.refusal(job.lost)):
        raise error


def planned(request: Request, backfill: Backfill) -> Job:
    """Return the job of a source that was asked for accounts and lists only."""
    [name] = request.sources
    source = load_source(name)
    check_sources({name: source}, request.settings)
    state = {}
    if request.place.exists():
        wait_seconds = request.seconds("INGEST_LOCK_WAIT_SECONDS")
        with opened(request.place, wait_seconds, is_read_only=True) as connection:
            state = stored_state(connection, name)
    backfill.begin(state)
    job = Job(
        name,
        request.settings,
        request.first_day(name),
        clock.now(),
        state,
        request.limits,
        key=key_of(request.settings),
        backfill=backfill,
    )
    try:
        source.collect(job)
    except PlatformError as error:
        job.fail(error)
    return job


def lines_of(backfill: Backfill) -> list[Line]:
    """Return a line for each report and account."""
    windows: dict[tuple[str, str], list[Window]] = defaultdict(list)
    for one in backfill.planned:
        windows[one.report, one.account_id].append(one.window)
    return [
        Line(
            report,
            account_id,
            Window(min(one.start for one in found), max(one.end for one in found)),
            sum(one.day_count for one in found),
            len(found),
        )
        for (report, account_id), found in sorted(windows.items())
    ]
