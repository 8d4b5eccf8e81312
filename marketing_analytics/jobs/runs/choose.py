"""Which job a word means, and whose a run is.

A word is a key of the scope, a full name or an id. One that means two jobs is refused with all
of them, and so is a job of another environment than the one that is set: jobs of staging and
production carry the same mark.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marketing_analytics.cloud_api.limits import MAX_ID
from marketing_analytics.cloud_api.names import Scope, jobs_counted, owner_of
from marketing_analytics.core.commands import beside
from marketing_analytics.core.errors import RemoteError, UserError
from marketing_analytics.core.signs import visible
from marketing_analytics.jobs.plan import RemoteJob, remote_job

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.model import JobFile
    from marketing_analytics.jobs.settings import Settings

# how a word says what it is; a job that is named by `id:` is taken wherever it runs
KINDS = ("key", "name", "id")


@dataclass(frozen=True)
class Place:
    """Where jobs are looked for: a scope, and an environment unless that is None.

    `own` has the environments that a job file names for single jobs, by key.
    """

    scope: Scope
    environment_id: int | None = None
    own: Mapping[str, int] = field(default_factory=dict)

    def has(self, job: RemoteJob) -> bool:
        """Return whether a job runs in the environment."""
        is_ours = job.owner is not None and job.owner.scope.team == self.scope.team
        key = job.owner.key if job.owner and is_ours else ""
        wanted = self.own.get(key, self.environment_id)
        return wanted is None or environment_of(job) == wanted

    def describe(self) -> str:
        """Return the place in words."""
        where = f" in environment {self.environment_id}" if self.environment_id else ""
        return f"{self.scope.describe()}{where}"


def place_of(settings: Settings, file: JobFile | None) -> Place:
    """Return the place that settings and a job file name."""
    jobs = file.jobs if file else ()
    own = {job.key: job.environment_id for job in jobs if job.environment_id}
    return Place(settings.scope, settings.environment_id, own)


def environment_of(job: RemoteJob) -> int | None:
    """Return the environment of a job."""
    found = job.data.get("environment_id")
    return found if isinstance(found, int) else None


def key_of(job: RemoteJob) -> str:
    """Return what a job is called on the screen: its key, or its name when it is not ours."""
    return job.owner.key if job.owner else visible(job.name)


def choose_jobs(client: CloudClient, place: Place, words: Sequence[str]) -> list[RemoteJob]:
    """Return the jobs that words mean, each once. Raise UserError for a word that is not one job.

    All are found before anything is done with one of them.
    """
    listed = [remote_job(data) for data in client.list_jobs()]
    remember_jobs(client, listed)
    found: dict[int, RemoteJob] = {}
    for word in words:
        job = choose(client, listed, place, word)
        found.setdefault(job.job_id, job)
    return list(found.values())


def choose(client: CloudClient, listed: Sequence[RemoteJob], place: Place, word: str) -> RemoteJob:
    """Return the job that a word means. Raise UserError when it is none or several."""
    kind, wanted = kind_of(word)
    found = [job for job in listed if means(job, place.scope, kind, wanted)]
    here = found if kind == "id" else [job for job in found if place.has(job)]
    if len(here) == 1:
        return here[0]
    if not found:
        raise no_such_job(word, listed, place)
    names = environment_names(client)
    if here:
        raise UserError(
            f"{word} means {jobs_counted(len(here))}:\n{candidates(here, names)}",
            hint=how_to_choose(here, place),
        )
    raise UserError(
        f"{word} is no job of {place.describe()}, only of another environment:\n"
        f"{candidates(found, names)}",
        hint="set ENVIRONMENT_ID or pass --environment-id, or name the job by its id: "
        f"id:{found[0].job_id}",
    )


def jobs_in(client: CloudClient, place: Place) -> list[RemoteJob]:
    """Return the jobs of a place, by key."""
    listed = [remote_job(data) for data in client.list_jobs()]
    remember_jobs(client, listed)
    ours = [job for job in listed if job.owner and job.owner.scope == place.scope]
    return sorted((job for job in ours if place.has(job)), key=key_of)


def kind_of(word: str) -> tuple[str, str]:
    """Return `key`, `name`, `id` or nothing, and the word without that."""
    kind, _, rest = word.partition(":")
    return (kind, rest) if kind in KINDS and rest else ("", word)


def means(job: RemoteJob, scope: Scope, kind: str, wanted: str) -> bool:
    """Return whether a word means a job."""
    is_ours = job.owner is not None and job.owner.scope == scope
    matches = {
        "key": is_ours and job.owner is not None and job.owner.key == wanted,
        "name": job.name == wanted,
        "id": str(job.job_id) == wanted,
    }
    return matches[kind] if kind else any(matches.values())


def candidates(jobs: Iterable[RemoteJob], names: Mapping[int, str]) -> str:
    """Return jobs as lines, each with the word that means only it."""
    lines = []
    for job in jobs:
        environment = environment_of(job) or 0
        called = f" ({names[environment]})" if environment in names else ""
        whose = job.owner.scope.describe() if job.owner else "not made by this tool"
        lines.append(f"  id:{job.job_id}  {job.name}  environment {environment}{called}  {whose}")
    return "\n".join(lines)


def how_to_choose(jobs: Sequence[RemoteJob], place: Place) -> str:
    """Return how to say which of several jobs is meant."""
    places = {environment_of(job) for job in jobs}
    if len(places) == len(jobs) and place.environment_id is None:
        return f"set ENVIRONMENT_ID or pass --environment-id, or write id:{jobs[0].job_id}"
    marks = {(job.owner, environment_of(job)) for job in jobs}
    if len(marks) == 1 and jobs[0].owner:
        return f"write id:{jobs[0].job_id}; the next deploy makes one job of them"
    return f"write id:{jobs[0].job_id}, or key:, name: or id: in front of what you mean"


def no_such_job(word: str, listed: Iterable[RemoteJob], place: Place) -> UserError:
    """Return the error for a word that means no job, with a suggestion."""
    known = [
        job.owner.key
        for job in listed
        if job.owner and job.owner.scope == place.scope and place.has(job)
    ]
    close = difflib.get_close_matches(kind_of(word)[1], known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"deploy first; see {beside('list')}"
    return UserError(f"there is no job {word} for {place.describe()}", hint=hint)


def environment_names(client: CloudClient) -> dict[int, str]:
    """Return the names of the project's environments by id; none where that fails."""
    try:
        return client.environment_names()
    except RemoteError:
        # the names are a courtesy of another error
        return {}


def remember_jobs(client: CloudClient, jobs: Iterable[RemoteJob]) -> None:
    """Keep the keys for completion."""
    from marketing_analytics.jobs.runs.known import write_known

    write_known(client, jobs)


# runs


def is_run_id(word: str) -> bool:
    """Return whether a word is the number of a run; a job whose key is one needs `key:`."""
    return word.isascii() and word.isdigit() and 0 < int(word[:20]) <= MAX_ID


def run_of(client: CloudClient, place: Place, word: str) -> int:
    """Return the run of a number, or the newest run of a job. Raise UserError without one."""
    if is_run_id(word):
        return int(word)
    [job] = choose_jobs(client, place, [word])
    runs = client.latest_runs(job.job_id, limit=1)
    if not runs:
        raise UserError(
            f"{key_of(job)} (job {job.job_id}) never ran", hint=f"start it: {beside('run')} {word}"
        )
    return int(runs[0]["id"])


def whose(run: Mapping[str, Any], settings: Settings, place: Place) -> str:
    """Return what a run is when it is not of the team, project and environment; else nothing.

    The run needs its job included.
    """
    if run.get("project_id") != settings.project_id:
        return f"of project {run.get('project_id')}, not {settings.project_id}"
    job = run.get("job")
    if not isinstance(job, Mapping):
        return f"of a job that is gone (job {run.get('job_definition_id')})"
    owner = owner_of(job.get("description"))
    called = f"{job.get('name')} (job {run.get('job_definition_id')})"
    if owner is None:
        return f"of {called}, which this tool did not make"
    if owner.scope.team != settings.scope.team:
        return f"of {called}, which is of team {owner.scope.team}, not {settings.scope.team}"
    wanted = place.own.get(owner.key, place.environment_id)
    if wanted is not None and run.get("environment_id") != wanted:
        return f"of {called} in environment {run.get('environment_id')}, not {wanted}"
    return ""


def check_ours(
    run: Mapping[str, Any], settings: Settings, place: Place, *, is_any: bool, verb: str
) -> None:
    """Raise UserError for a run of somebody else, unless any is allowed."""
    stranger = "" if is_any else whose(run, settings, place)
    if stranger:
        raise UserError(
            f"run {run.get('id')} is {stranger}; nothing was {verb}",
            hint="check the number of the run; --any takes it whosesoever it is",
        )
