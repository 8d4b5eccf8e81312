"""Check job files against dbt Cloud: what they name has to be there. Only reads.

Every mistake is found, not only the first one, and every list is read to its last page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from statistics import median
from typing import NamedTuple, TypeVar

from marketing_analytics.cloud_api.client import Answer, CloudClient
from marketing_analytics.cloud_api.names import owner_of
from marketing_analytics.cloud_api.states import Status
from marketing_analytics.core.errors import AuthError, FileError, TerminalError
from marketing_analytics.jobs.model import Job, JobFile

T = TypeVar("T")

# the newest runs tell how long jobs take
MAX_RUN_PAGES = 5
DEVELOPMENT = "development"


class Refusal(NamedTuple):
    """What the token could not read, and what to do."""

    message: str
    hint: str


@dataclass
class Account:
    """What dbt Cloud has; None is what could not be read, told in `refusals`."""

    environments: dict[int, Answer] | None = None
    variables: set[str] | None = None
    jobs: list[Answer] = field(default_factory=list)
    runs: list[Answer] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def read_account(client: CloudClient) -> Account:
    """Return what the token sees of account and project.

    Raise RemoteError where dbt Cloud cannot be reached or does not know the token.
    """
    found = Account()
    account, project = client.account_id, client.project_id
    there = attempt(found, lambda: client.call("GET", f"{client.account}/"), f"account {account}")
    there = there and attempt(
        found, lambda: client.call("GET", f"{client.project}/"), f"project {project}"
    )
    if there is None:
        return found
    listed = attempt(found, lambda: list(environments_of(client)), "the environments")
    if listed is not None:
        found.environments = {int(each["id"]): each for each in listed}
    found.variables = attempt(found, lambda: set(client.variables()), "the variables")
    found.jobs = attempt(found, client.list_jobs, "the jobs") or []
    found.runs = attempt(found, lambda: list(newest_runs(client)), "the runs") or []
    return found


def environments_of(client: CloudClient) -> Iterator[Answer]:
    """Yield the environments of the project, of every page."""
    for page in client.pages(f"{client.project}/environments/", {"order_by": "id"}):
        yield from page


def newest_runs(client: CloudClient) -> Iterator[Answer]:
    """Yield the newest runs of the project."""
    params = {"project_id": str(client.project_id), "order_by": "-id"}
    for page in islice(client.pages(f"{client.account}/runs/", params), MAX_RUN_PAGES):
        yield from page


def attempt(found: Account, read: Callable[[], T], what: str) -> T | None:
    """Return what a call reads, or None after noting that the token does not see it."""
    try:
        return read()
    except TerminalError as error:
        if isinstance(error, AuthError) and error.status_code == 403:
            hint = "give the token a permission set that reads and writes jobs, like Job Admin"
        elif error.status_code == 404:
            hint = "check DBTCLOUD_ACCOUNT_ID, PROJECT_ID and what the token may see"
        else:
            raise
        found.refusals.append(Refusal(f"the token does not see {what}", hint))
        return None


def mistakes_of(file: JobFile, account: Account, environment_id: int | None) -> list[FileError]:
    """Return what the settings and the jobs of a file name that is not there."""
    # a setting has no place in the file
    found = [
        FileError(each.message, path=file.source.path, line=0, hint=each.hint)
        for each in account.refusals
    ]
    known = account.environments
    if known is None:
        return found
    if environment_id is not None and environment_id not in known:
        message = f"there is no environment {environment_id} in the project"
        hint = f"check ENVIRONMENT_ID; {listing(known)}"
        found.append(FileError(message, path=file.source.path, line=0, hint=hint))
    for job in file.jobs:
        found += environment_mistakes(file, job, known, environment_id)
    return found


def listing(known: Mapping[int, Answer]) -> str:
    """Return the environments of a project for a hint."""
    names = (f"{each} {known[each].get('name') or ''}".strip() for each in sorted(known))
    return f"the project has {', '.join(names) or 'none that the token sees'}"


def environment_mistakes(
    file: JobFile, job: Job, known: Mapping[int, Answer], default: int | None
) -> Iterator[FileError]:
    """Yield the environments of a job that are not there or run no jobs."""
    for name in ("environment_id", "deferring_environment_id"):
        given = getattr(job, name)
        if given is not None and given not in known:
            message = f'there is no environment {given} in the project (job "{job.key}")'
            yield file.source.error(
                message, job.places.get(name, job.places["key"]), listing(known)
            )
    own = known.get(job.environment_id or default or 0)
    if own and own.get("type") == DEVELOPMENT:
        message = (
            f"environment {own['id']} is for developing; dbt Cloud runs no jobs there "
            f'(job "{job.key}")'
        )
        at = job.places.get("environment_id", job.places["key"])
        yield file.source.error(message, at, "name one of type deployment")


def warnings_of(file: JobFile, account: Account) -> list[FileError]:
    """Return what works with the deploy tool and not with Terraform, or not as it was meant."""
    found: list[FileError] = []
    versions = {str(each.get("dbt_version")) for each in (account.environments or {}).values()}
    versions |= {str(job["dbt_version"]) for job in account.jobs if job.get("dbt_version")}
    for job in file.jobs:
        missing = sorted(set(job.env_vars) - (account.variables or set()))
        if missing and account.variables is not None:
            message = f'the project has no variable {", ".join(missing)} (job "{job.key}")'
            hint = "deploy creates it without a value; Terraform needs it to be there"
            found.append(file.source.error(message, job.places["env_vars"], hint))
        if job.dbt_version and versions and job.dbt_version not in versions:
            message = f'nothing in the project runs dbt "{job.dbt_version}" (job "{job.key}")'
            hint = f"check that dbt Cloud has it; in use are {', '.join(sorted(versions))}"
            found.append(file.source.error(message, job.places["dbt_version"], hint))
    return found


def lengths_of(account: Account, team: str) -> dict[str, float]:
    """Return how many seconds the jobs of a team take by key: the median of past runs."""
    keys = {}
    for job in account.jobs:
        owner = owner_of(job.get("description"))
        if owner and owner.scope.team == team:
            keys[job["id"]] = owner.key
    seconds: dict[str, list[float]] = defaultdict(list)
    for run in successful(account.runs):
        key, length = keys.get(run.get("job_definition_id")), seconds_of(run)
        if key and length is not None:
            seconds[key].append(length)
    return {key: median(values) for key, values in seconds.items()}


def successful(runs: Iterable[Answer]) -> Iterator[Answer]:
    """Yield the runs that went through: one that failed or was ended says less about the next."""
    return (run for run in runs if run.get("status") == Status.SUCCESS)


def seconds_of(run: Answer) -> float | None:
    """Return how long a run took, or None where the answer does not say."""
    try:
        start, end = (datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at"))
        length = (end - start).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None
    return length if length > 0 else None
