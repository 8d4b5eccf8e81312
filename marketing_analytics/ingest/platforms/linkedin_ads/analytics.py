"""The daily figures of campaigns and creatives, a whole account in one call.

An answer holds 15,000 elements at most and drops the others without a word. So one that reaches
the cap is asked for in halves: of the days, and of one day's campaigns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from marketing_analytics.core.errors import TerminalError
from marketing_analytics.ingest.engine.answers import Account, records, whole_number
from marketing_analytics.ingest.engine.governor import Governor, TooMuchDataError
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.reading import Task
from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.engine.trust.totals import day_amounts, reconciler
from marketing_analytics.ingest.engine.windows import Window
from marketing_analytics.ingest.platforms.linkedin_ads.api import Value, find, number_of, urn
from marketing_analytics.ingest.platforms.linkedin_ads.tables import (
    CAMPAIGN_STATS,
    CREATIVE_STATS,
    METRICS,
    MONEY_COLUMNS,
)

KEY_FIELDS = ("dateRange", "pivotValues")
# of one call, the two of the key included
MOST_FIELDS = 20
MOST_ELEMENTS = 15_000
# conversions are booked on the day of the click and arrive within the window of their rule
SHORTEST_LOOKBACK_DAYS = 30
LONGEST_LOOKBACK_DAYS = 90
RULE_WINDOWS = ("postClickAttributionWindowSize", "viewThroughAttributionWindowSize")

Element = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Report:
    """The figures of one pivot; `id_column` is what the pivot stands for."""

    table: Table
    pivot: str
    id_column: str

    @property
    def is_of_campaigns(self) -> bool:
        """Return whether the report holds all that an account spends."""
        return self.table is CAMPAIGN_STATS


REPORTS = {
    report.table.name: report
    for report in (
        Report(CAMPAIGN_STATS, "CAMPAIGN", "campaign_id"),
        Report(CREATIVE_STATS, "CREATIVE", "creative_id"),
    )
}


class Analytics:
    """Reads the figures of accounts by report and window.

    `campaign_ids` are those of an account, `campaign_of` is the campaign of a creative.
    """

    def __init__(
        self, job: Job, governor: Governor, accounts: Mapping[str, Account], most_elements: int
    ) -> None:
        self.job = job
        self.governor = governor
        self.accounts = accounts
        self.most_elements = most_elements
        self.campaign_ids: dict[str, list[str]] = {}
        self.campaign_of: dict[str, str] = {}
        # accounts whose list of creatives was read
        self.listed: set[str] = set()

    def read_window(self, task: Task) -> None:
        """Read one window of a report and keep it."""
        report, account = REPORTS[task.report], self.accounts[task.account_id]
        window = task.window
        elements = self.of_account(report.pivot, account, window)
        read_on = self.job.now.astimezone(account.zone).date()
        parts = tuple((account.account_id, day) for day in window.days())
        reconcile = None
        if report.is_of_campaigns:
            totals = self.totals(account, window)
            reconcile = reconciler(self.job, account, window, totals, "cost_in_local_currency")

        def note() -> None:
            # without the list, creatives have no campaign: these days are read again
            if report.is_of_campaigns or account.account_id in self.listed:
                self.job.mark(report.table.name, account.account_id, window, read_on)

        columns = self.columns(report, account, elements)
        self.job.keep([Piece(report.table, columns, elements, parts)], note, reconcile)

    def columns(
        self, report: Report, account: Account, elements: Sequence[Element]
    ) -> dict[str, list[Any]]:
        """Return the columns of a report; a metric that is absent is zero."""
        ids = [pivot_id(element) for element in elements]
        columns: dict[str, list[Any]] = {
            "account_id": [account.account_id] * len(elements),
            "date": [day_of(element) for element in elements],
            "currency": [account.currency] * len(elements),
            "timezone_name": [account.zone.key] * len(elements),
            "campaign_id": [self.campaign_of.get(one) for one in ids],
        }
        columns[report.id_column] = ids
        for name, field in METRICS.items():
            zero: Any = "0" if name in MONEY_COLUMNS else 0
            columns[name] = [element.get(field, zero) for element in elements]
        return columns

    def of_account(self, pivot: str, account: Account, window: Window) -> list[Element]:
        """Return the elements of an account; of a single day in parts where it is too much."""
        facet = {"accounts": [urn("sponsoredAccount", account.account_id)]}
        try:
            return self.elements(pivot, facet, window)
        except TooMuchDataError:
            campaigns = self.campaign_ids.get(account.account_id, [])
            if window.day_count > 1 or len(campaigns) < 2:
                raise
            return self.of_halves(pivot, campaigns, window)

    def of_halves(self, pivot: str, campaigns: Sequence[str], window: Window) -> list[Element]:
        """Return the elements of some campaigns, read in two parts."""
        middle = len(campaigns) // 2
        halves = (campaigns[:middle], campaigns[middle:])
        return [element for half in halves for element in self.of_campaigns(pivot, half, window)]

    def of_campaigns(self, pivot: str, campaigns: Sequence[str], window: Window) -> list[Element]:
        """Return the elements of some campaigns, in ever smaller parts where it is too much."""
        facet = {"campaigns": [urn("sponsoredCampaign", one) for one in campaigns]}
        try:
            return self.elements(pivot, facet, window)
        except TooMuchDataError:
            if len(campaigns) < 2:
                raise
            return self.of_halves(pivot, campaigns, window)

    def elements(
        self,
        pivot: str,
        facet: Mapping[str, Value],
        window: Window,
        fields: Sequence[str] = tuple(METRICS.values()),
    ) -> list[Element]:
        """Return the elements by day with all fields, joined from calls of 20 fields.

        An element of which all fields of a call are zero is not in its answer.
        """
        merged: dict[tuple[Any, Any], Element] = {}
        step = MOST_FIELDS - len(KEY_FIELDS)
        for some in (fields[start : start + step] for start in range(0, len(fields), step)):
            for element in self.call(pivot, facet, window, (*KEY_FIELDS, *some)):
                key = (day_of(element), pivot_id(element))
                merged[key] = merged.get(key, {}) | element
        return list(merged.values())

    def call(
        self, pivot: str, facet: Mapping[str, Value], window: Window, fields: Sequence[str]
    ) -> list[Element]:
        """Return the elements of one call; raise TooMuchDataError where some may be missing."""
        query: dict[str, Value] = {
            "q": "analytics",
            "pivot": {"value": pivot},
            "timeGranularity": {"value": "DAILY"},
            "dateRange": {"start": date_parts(window.start), "end": date_parts(window.end)},
            **facet,
            "fields": fields,
        }
        answer = find(self.governor, "/adAnalytics", query, is_large=window.day_count > 1)
        elements = records(answer, "elements", "/adAnalytics")
        if len(elements) >= self.most_elements:
            raise TooMuchDataError(
                f"LinkedIn's answer is full: {len(elements):,} elements, the others are dropped"
            )
        return elements

    def totals(self, account: Account, window: Window) -> dict[date, Decimal]:
        """Return the account's own cost by day."""
        facet = {"accounts": [urn("sponsoredAccount", account.account_id)]}
        rows = self.elements("ACCOUNT", facet, window, [METRICS["cost_in_local_currency"]])
        return day_amounts(
            [day_of(row) for row in rows],
            [row.get(METRICS["cost_in_local_currency"]) for row in rows],
        )


def lookback_days(governor: Governor, account: Account) -> int:
    """Return the longest window of the account's conversion rules, 30 to 90 days."""
    query = {"q": "account", "account": urn("sponsoredAccount", account.account_id)}
    try:
        rules = records(find(governor, "/conversions", query), "elements", "/conversions")
    except TerminalError as error:
        if error.status_code == 401:
            raise
        # who may read figures need not have the right to read rules
        return SHORTEST_LOOKBACK_DAYS
    days = [whole_number(rule, name, "/conversions") for rule in rules for name in RULE_WINDOWS]
    return min(max(days, default=0) or SHORTEST_LOOKBACK_DAYS, LONGEST_LOOKBACK_DAYS)


def date_parts(day: date) -> dict[str, Value]:
    """Return a day as the API writes it."""
    return {"year": day.year, "month": day.month, "day": day.day}


def day_of(element: Element) -> str | None:
    """Return the day of an element, None where there is none."""
    found = element.get("dateRange")
    start = found.get("start") if isinstance(found, dict) else None
    if not isinstance(start, dict):
        return None
    try:
        return date(start["year"], start["month"], start["day"]).isoformat()
    except (KeyError, TypeError, ValueError):
        return None


def pivot_id(element: Element) -> Any:
    """Return the id of what an element is about, None where there is none."""
    values = element.get("pivotValues")
    return number_of(values[0]) if isinstance(values, list) and values else None
