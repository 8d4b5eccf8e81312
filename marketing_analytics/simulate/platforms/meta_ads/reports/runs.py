"""Report runs: reports that are made while the client asks how far they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketing_analytics.simulate.platforms.meta_ads.parameters import Parameters
from marketing_analytics.simulate.platforms.meta_ads.reports.insights import Report, Scope

# progress depends on how often it is asked, not on time: tests need no waiting
POLLS = (
    ("Job Not Started", 0),
    ("Job Running", 40),
    ("Job Running", 100),
    ("Job Completed", 100),
)
FIRST_RUN_ID = 6_120_000_000_000


@dataclass
class ReportRun:
    """One asynchronous report."""

    run_id: str
    scope: Scope
    parameters: Parameters
    report: Report
    # the days it covers, as text
    span: tuple[str, str]
    is_failing: bool
    polls: int = 0

    @property
    def is_complete(self) -> bool:
        """Return whether the result may be read."""
        return self.polls >= len(POLLS) and not self.is_failing

    def poll(self, now_us: int) -> dict[str, Any]:
        """Return the state of the report, one step further each time it is asked."""
        status, percent = POLLS[min(self.polls, len(POLLS) - 1)]
        self.polls += 1
        since, until = self.span
        body: dict[str, Any] = {
            "id": self.run_id,
            "account_id": self.scope.account_id,
            "time_ref": now_us // 1_000_000,
            "async_status": status,
            "async_percent_completion": percent,
            "is_running": status != "Job Completed",
            "date_start": since,
            "date_stop": until,
        }
        if self.is_failing and self.polls > 1:
            return body | {
                "async_status": "Job Failed",
                "is_running": False,
                "error_code": -2,
                "error_subcode": 2_490_547,
                "error_message": "The report could not be generated.",
                "error_user_title": "Report failed",
                "error_user_msg": "Please create the report again or ask for less data.",
            }
        if status == "Job Completed":
            body["time_completed"] = now_us // 1_000_000
        return body


class ReportRuns:
    """The report runs since the start."""

    def __init__(self) -> None:
        self.by_id: dict[str, ReportRun] = {}

    def start(
        self,
        scope: Scope,
        parameters: Parameters,
        report: Report,
        span: tuple[str, str],
        *,
        is_failing: bool,
    ) -> ReportRun:
        """Return a new run."""
        # shorter than the ids of objects: a node is one or the other
        run_id = str(FIRST_RUN_ID + len(self.by_id) + 1)
        run = ReportRun(run_id, scope, parameters, report, span, is_failing)
        self.by_id[run_id] = run
        return run
