"""Choose the branch jobs to delete, and say for each why; what is spared is said too.

A branch is as old as the newest thing that happened to any of its jobs, a deploy or a run: a
deploy that changes one job of nine shows that the branch is alive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from marketing_analytics.cloud_api.names import Owner, Scope
from marketing_analytics.jobs.cleanup.merged import Merge
from marketing_analytics.jobs.cleanup.recheck import active_run, last_run_at
from marketing_analytics.jobs.past.journal import Entry
from marketing_analytics.jobs.plan import Change, RemoteJob, delete_guard

UNATTENDED_DELETES = 50


@dataclass(frozen=True)
class Wish:
    """What was asked for; all that is given must hold. Branches are slugs."""

    team: str
    older_than_days: int | None = None
    branch: str | None = None
    merges: Mapping[str, Merge] | None = None


@dataclass(frozen=True)
class Moment:
    """The newest thing that happened to the jobs of a branch and user."""

    at: datetime
    word: str


@dataclass(frozen=True)
class Choice:
    """What cleanup does; `jobs` are all that were looked at, by id."""

    deletes: tuple[Change, ...]
    spared: tuple[Change, ...]
    # branches that git does not call merged, with the reason
    unmerged: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[int, RemoteJob] = field(default_factory=dict, repr=False)


def choose(
    wish: Wish, remote: Sequence[RemoteJob], journal: Mapping[int, Entry], now: datetime
) -> Choice:
    """Return the jobs of the team's branches that can go. Shared jobs never do."""
    jobs = [(job, job.owner) for job in remote if job.owner and is_asked(wish, job.owner)]
    moments = newest_moments(jobs, journal, now)
    deletes: list[Change] = []
    spared: list[Change] = []
    unmerged: dict[str, str] = {}
    for job, owner in sorted(jobs, key=lambda pair: (moments[pair[1].scope].at, pair[0].name)):
        moment = moments[owner.scope]
        if wish.older_than_days is not None and is_young(moment, wish.older_than_days, now):
            continue
        merge = merge_of(wish, owner)
        if merge and not merge.is_merged:
            unmerged[owner.scope.branch] = merge.how
            continue
        why = f"branch {owner.scope.branch} of {owner.scope.user}, {told(moment, now)}"
        if merge:
            why += f", {merge.how}"
        run = active_run(job)
        stays = "it has keep = true" if owner.is_kept else f"run {run} is under way" if run else ""
        change = Change("delete", owner.key, job.name, stays or why, job_id=job.job_id)
        (spared if stays else deletes).append(change)
    by_id = {job.job_id: job for job in remote}
    return Choice(tuple(deletes), tuple(spared), unmerged, by_id)


def is_asked(wish: Wish, owner: Owner) -> bool:
    """Return whether a job is one of the branches asked for."""
    scope = owner.scope
    is_branch = scope.team == wish.team and bool(scope.branch)
    return is_branch and wish.branch in (None, scope.branch)


def merge_of(wish: Wish, owner: Owner) -> Merge | None:
    """Return what git says about a branch, or None when that was not asked for."""
    return None if wish.merges is None else wish.merges[owner.scope.branch]


def newest_moments(
    jobs: Sequence[tuple[RemoteJob, Owner]], journal: Mapping[int, Entry], now: datetime
) -> dict[Scope, Moment]:
    """Return for each branch and user the newest deploy or run; a run under way is now."""
    found: dict[Scope, Moment] = {}
    for job, owner in jobs:
        entry = journal.get(job.job_id)
        times = (
            # a job without a time may be new
            (job.changed_at or now, "last changed"),
            (entry.deployed_at if entry else None, "last deployed"),
            (now if active_run(job) else last_run_at(job), "last ran"),
        )
        for at, word in times:
            if at and (owner.scope not in found or at > found[owner.scope].at):
                found[owner.scope] = Moment(at, word)
    return found


def is_young(moment: Moment, days: int, now: datetime) -> bool:
    """Return whether something happened within so many days."""
    return now - moment.at < timedelta(days=days)


def told(moment: Moment, now: datetime) -> str:
    """Return a moment in words."""
    return f"{moment.word} {moment.at:%Y-%m-%d} ({max(0, (now - moment.at).days)} days ago)"


def check_count(choice: Choice, wish: Wish, allowed: int | None, *, is_watched: bool) -> None:
    """Refuse many deletes that nobody looks at, unless their number was allowed or a branch named.

    A clock that is wrong by a year makes every branch old.
    """
    count = len(choice.deletes)
    if allowed is not None:
        if count > allowed:
            raise delete_guard(count, f"more than the {allowed} allowed")
    elif count > UNATTENDED_DELETES and not is_watched and not wish.branch:
        raise delete_guard(count, f"more than {UNATTENDED_DELETES} that nobody was asked about")
