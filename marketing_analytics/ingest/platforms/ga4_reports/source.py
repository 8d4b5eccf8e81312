"""Google Analytics 4 as its Data API reports it: sessions by where they came from, and pages.

`runReport` by windows of days. A window whose answer is sampled or lost rows to "(other)" is
read again in halves, down to a day; what is left of it is kept as flags on every row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

from marketing_analytics.core.errors import TransientError
from marketing_analytics.ingest.access.google import CREDENTIALS_FILE, file_token, refresh_token
from marketing_analytics.ingest.access.settings import names_in
from marketing_analytics.ingest.engine.answers import (
    Account,
    as_account,
    part,
    records,
    whole_number,
)
from marketing_analytics.ingest.engine.governor import (
    AccountError,
    BrokenAnswerError,
    Governor,
    TooMuchDataError,
)
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.reading import Reader, Task
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import DoubtfulError
from marketing_analytics.ingest.engine.trust.totals import TOTALS, day_amounts, reconciler
from marketing_analytics.ingest.engine.windows import Window, windows_of
from marketing_analytics.ingest.platforms.ga4_reports.quota import (
    SpentError,
    classify,
    seconds_to_wait,
)
from marketing_analytics.ingest.platforms.ga4_reports.reports import (
    PROPERTIES,
    REPORTS,
    TRAFFIC,
    Answer,
    Report,
    cells,
    columns_of,
    iso_date,
    request,
)

SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
DEFAULT_ADDRESS = "https://analyticsdata.googleapis.com/v1beta"
PREFIX = "GA4_REPORTS"
CHOICE = "GA4_PROPERTY_IDS"
OWN_ACCESS = (f"{PREFIX}_CLIENT_ID", f"{PREFIX}_CLIENT_SECRET", f"{PREFIX}_REFRESH_TOKEN")
WINDOW_DAYS = 30
# the API gives at most 250,000
PAGE_ROWS = 100_000
# the first day that the Data API takes as a start
OLDEST_DAY = date(2015, 8, 14)


def address(settings: Mapping[str, str]) -> str:
    """Return where the API is."""
    return settings.get(f"{PREFIX}_BASE_URL") or DEFAULT_ADDRESS


def open_governor(job: Job) -> Governor:
    """Return what asks Google Analytics, with a token of its own or of the credentials file."""
    has_own = bool(job.settings.get(OWN_ACCESS[-1]))
    return Governor(
        "Google Analytics",
        address(job.settings),
        setting=f"{PREFIX}_BASE_URL",
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        token=refresh_token(job, PREFIX) if has_own else file_token(job, SCOPE),
        on_wait=job.notes.put,
    )


def collect(job: Job) -> None:
    """Read the reports of every property that is asked for."""
    with closing(open_governor(job)) as governor:
        Reading(job, governor).read_all(property_ids(job))


def check(job: Job) -> list[tuple[str, str]]:
    """Return the properties that can be asked for a report."""
    with closing(open_governor(job)) as governor:
        reading = Reading(job, governor)
        job.each_account(property_ids(job), reading.describe, str)
    return [(one, "") for one in reading.properties]


def property_ids(job: Job) -> list[str]:
    """Return the properties asked for; what is no number of a property is lost."""
    given = [text.removeprefix("properties/") for text in names_in(job.setting(CHOICE))]
    for text in given:
        if text and not text.isdecimal():
            hint = f"{CHOICE} holds numbers such as 123456789, not measurement ids such as G-ABC"
            job.lose(
                text, AccountError("it is not the number of a property", hint=hint), "property"
            )
    return [text for text in dict.fromkeys(given) if text.isdecimal()]


class Reading:
    """The reports of some properties, asked for through one governor."""

    def __init__(self, job: Job, governor: Governor) -> None:
        self.job = job
        self.governor = governor
        self.properties: dict[str, Account] = {}
        self.quota: dict[str, dict[str, Any]] = {}

    def read_all(self, ids: Sequence[str]) -> None:
        """Read the days of every property that are new or can still change."""
        self.job.each_account(ids, self.describe, str)
        tasks = [task for account in self.properties.values() for task in self.tasks_of(account)]
        Reader(self.job, self.read_window).read_all(tasks)

    def describe(self, property_id: str) -> None:
        """Read currency and time zone of a property, which come with any report."""
        today = self.job.now.date()
        body = self.ask(property_id, request(Window(today, today), (), ("sessions",)))
        found = {"id": property_id} | part(body, "metadata", "runReport")
        self.properties[property_id] = as_account(found, "id", "currencyCode", "timeZone")
        account = self.properties[property_id]
        self.job.add(
            PROPERTIES,
            {
                "property_id": [property_id],
                "currency": [account.currency],
                "timezone_name": [account.zone.key],
            },
        )

    def tasks_of(self, account: Account) -> list[Task]:
        """Return the windows of all reports of a property that are due."""
        today = self.today(account)
        if self.job.since > today:
            return []
        tasks = []
        for name, report in REPORTS.items():
            coverage = self.job.coverage(name, account.account_id)
            due = coverage.days_to_read(Window(self.job.since, today), report.lookback_days)
            tasks += [Task(account.account_id, name, one) for one in windows_of(due, WINDOW_DAYS)]
        return tasks

    def today(self, account: Account) -> date:
        """Return the property's own today."""
        return self.job.now.astimezone(account.zone).date()

    def read_window(self, task: Task) -> None:
        """Read one window of a report and keep it."""
        account, report = self.properties[task.account_id], REPORTS[task.report]
        answer = self.rows(account.account_id, report, task.window)
        if task.window.day_count > 1 and (answer.is_sampled or answer.has_other_row):
            raise TooMuchDataError("Google Analytics gave a sample, or put rows into (other)")
        parts = tuple((account.account_id, day) for day in task.window.days())
        self.job.keep(
            [Piece(report.table, columns_of(report, account, answer), answer.rows, parts)],
            lambda: self.job.mark(
                report.table.name, account.account_id, task.window, self.today(account)
            ),
            self.reconcile(account, task.window, answer) if report is TRAFFIC else None,
        )

    def rows(self, property_id: str, report: Report, window: Window) -> Answer:
        """Return all rows of a window. Raise BrokenAnswerError when they are not all."""
        rows: list[dict[str, Any]] = []
        is_sampled = is_thresholded = has_other_row = False
        while True:
            body = self.ask(property_id, report.body(window, len(rows), PAGE_ROWS))
            check_headers(body, report)
            page = records(body, "rows", "runReport")
            rows += page
            said = part(body, "metadata", "runReport")
            is_sampled |= bool(said.get("samplingMetadatas"))
            is_thresholded |= bool(said.get("subjectToThresholding"))
            has_other_row |= bool(said.get("dataLossFromOtherRow"))
            count = whole_number(body, "rowCount", "runReport")
            if len(rows) >= count or not page:
                break
        if len(rows) != count:
            raise BrokenAnswerError(
                f"Google Analytics gave {len(rows):,} rows and counts {count:,}"
            )
        return Answer(rows, is_sampled, is_thresholded, has_other_row)

    def reconcile(self, account: Account, window: Window, answer: Answer) -> Any:
        """Return what compares sessions with those of the property itself, by day."""
        body = self.ask(account.account_id, request(window, ("date",), ("sessions",)))
        rows = records(body, "rows", "runReport")
        days = [iso_date(cells(row, "dimensionValues", 1)[0]) for row in rows]
        counts = [cells(row, "metricValues", 1)[0] for row in rows]
        own = replace(account, currency="sessions")
        compare = reconciler(self.job, own, window, day_amounts(days, counts), "sessions")

        def compared(built: Any, *, is_sure: bool) -> tuple[Piece, DoubtfulError | None]:
            # rows that Google withholds or estimates explain a difference
            explained = answer.is_thresholded or answer.is_sampled or answer.has_other_row
            return compare(built, is_sure=is_sure or explained)

        return compared

    def ask(self, property_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return a report. Raise SpentError when the quota of the property is used up."""
        try:
            if wait := seconds_to_wait(self.quota.get(property_id, {})):
                self.governor.hold(wait)
            path = f"/properties/{property_id}:runReport"
            answer: dict[str, Any] = self.governor.post(path, json=body)
        except TransientError as error:
            asked = error.retry_after_seconds or 0.0
            if asked <= self.job.limits.max_wait_seconds:
                raise
            raise SpentError(error.message, hint=error.hint) from None
        self.quota[property_id] = part(answer, "propertyQuota", "runReport")
        return answer


def check_headers(body: dict[str, Any], report: Report) -> None:
    """Raise BrokenAnswerError when columns are not those asked for."""
    asked = {"dimensionHeaders": ["date", *report.dimensions], "metricHeaders": [*report.metrics]}
    for name, names in asked.items():
        found = [header.get("name") for header in records(body, name, "runReport")]
        if found != names:
            raise BrokenAnswerError(f"Google Analytics answered with other {name}: {found}")


SOURCE = Source(
    tables=(PROPERTIES, *(report.table for report in REPORTS.values()), TOTALS),
    settings=(CHOICE, *OWN_ACCESS),
    optional_settings=(f"{PREFIX}_BASE_URL", f"{PREFIX}_TOKEN_URL", CREDENTIALS_FILE),
    options={"properties": CHOICE},
    instead={CREDENTIALS_FILE: OWN_ACCESS},
    collect=collect,
    restates="14 days, pages 3 days",
    has_days=True,
    oldest_day=OLDEST_DAY,
    address=address,
    check=check,
)
