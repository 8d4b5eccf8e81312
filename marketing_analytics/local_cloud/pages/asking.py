"""Read filters and pages from an address; anything unreadable counts as not given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from marketing_analytics.cloud_api.states import ACTIVE, HELD, Status
from marketing_analytics.local_cloud.pages.job_views import STATE_FILTERS, JobFilter
from marketing_analytics.local_cloud.pages.runs.lanes import USUAL_VIEW, VIEWS, AskedLanes
from marketing_analytics.local_cloud.runs.store import RunFilter

RUN_STATUSES = {
    "active": tuple(sorted(ACTIVE)),
    "queued": (Status.QUEUED,),
    "running": tuple(sorted(HELD)),
    "success": (Status.SUCCESS,),
    "error": (Status.ERROR,),
    "cancelled": (Status.CANCELLED,),
}
RUN_TRIGGERS = {
    "schedule": ("Schedule", ("scheduled",)),
    "api": ("API", ("api",)),
    "page": ("Page", ("ui",)),
    "retry": ("Retry", ("rerun", "retry")),
    "ci": ("CI", ("ci", "merge")),
    "job": ("After job", ("job completion", "job_completion")),
}
MAX_SEARCH_CHARACTERS = 100


@dataclass(frozen=True)
class AskedRuns:
    """The runs filter as words of the address, to fill the form again."""

    search: str = ""
    state: str = ""
    trigger: str = ""
    environment_id: int | None = None
    job_id: int | None = None


def number(text: str | None) -> int | None:
    """Return a whole number from 0 to 2^31, or None."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    return int(text)


def search_text(asked: Mapping[str, str], name: str = "search") -> str:
    """Return what was searched for."""
    return asked.get(name, "").replace("\0", "").strip()[:MAX_SEARCH_CHARACTERS]


def job_filter(asked: Mapping[str, str]) -> JobFilter:
    """Return the jobs filter of an address."""
    state = asked.get("state", "")
    return JobFilter(
        search=search_text(asked),
        state=state if state in STATE_FILTERS else "",
        environment_id=number(asked.get("environment")),
        schedule=schedule if (schedule := asked.get("schedule", "")) in ("on", "off") else "",
    )


def run_filter(asked: Mapping[str, str], account_id: int) -> tuple[AskedRuns, RunFilter]:
    """Return the runs filter of an address, as words and for the store."""
    state = asked.get("state", "")
    trigger = asked.get("trigger", "")
    words = AskedRuns(
        search=search_text(asked),
        state=state if state in RUN_STATUSES else "",
        trigger=trigger if trigger in RUN_TRIGGERS else "",
        environment_id=number(asked.get("environment")),
        job_id=number(asked.get("job")),
    )
    wanted = RunFilter(
        account_id=account_id,
        job_id=words.job_id,
        statuses=RUN_STATUSES.get(words.state),
        cause_categories=RUN_TRIGGERS[words.trigger][1] if words.trigger else None,
        environment_id=words.environment_id,
        search=words.search or None,
    )
    return words, wanted


def asked_lanes(asked: Mapping[str, str]) -> AskedLanes:
    """Return how the lanes of a run are grouped, and which nodes are searched for."""
    view = asked.get("view", USUAL_VIEW)
    return AskedLanes(view if view in VIEWS else USUAL_VIEW, search_text(asked, "node"))


def page_number(asked: Mapping[str, str], total: int, per_page: int) -> int:
    """Return the asked page, within what there is."""
    last = max(1, -(-total // per_page))
    return min(max(1, number(asked.get("page")) or 1), last)
