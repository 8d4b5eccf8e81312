"""The restore file: jobs as dbt Cloud had them before a deploy, a cleanup or an undo.

It is written before the first change, for its user only, and gets the ids of created jobs when
all is done. Values that dbt Cloud hides, and what looks like a secret, are not in it.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.names import Owner, owner_of
from marketing_analytics.core import clock
from marketing_analytics.core.errors import FileError, UserError, reason_of
from marketing_analytics.core.redaction import gives_secret, has_secret, is_secret_name
from marketing_analytics.core.written import replace_file
from marketing_analytics.jobs.past.folder import private_folder, state_folder
from marketing_analytics.jobs.payload import MASKED
from marketing_analytics.jobs.plan import Action, Change, RemoteJob

SCHEMA_VERSION = 1
MAX_FILES = 100
MAX_BYTES = 200_000_000
NAME = re.compile(r"\d{8}T\d{12}Z-[a-z]+-[a-z0-9-]+\.json")
# what dbt Cloud says about a job and nobody can set
READ_ONLY = frozenset(
    {
        *("id", "account_id", "account", "project", "environment", "created_at", "updated_at"),
        *("next_run", "next_run_humanized", "cron_humanized", "raw_dbt_version", "href"),
        *("most_recent_run", "most_recent_completed_run", "custom_environment_variables"),
        *("is_system", "is_deferrable", "run_failure_count", "deactivated", "fusion_readiness"),
        *("deactivation_reason", "generate_sources", "created_by_id", "lifecycle_webhooks"),
    }
)


@dataclass(frozen=True)
class Past:
    """One job: what was done to it, and how it was before.

    action: what was done. body: what dbt Cloud had, without what nobody can set; none for a job
    that was created. left: fields and variables as they were to be afterwards. not_kept: names
    of fields and variables whose values the file does not hold.
    """

    action: Action
    key: str
    name: str
    mark: str
    job_id: int | None = None
    body: Mapping[str, Any] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, Any] | None = None
    not_kept: tuple[str, ...] = ()

    @property
    def owner(self) -> Owner | None:
        """Return whose job it is."""
        return owner_of(self.mark)

    def is_marked_so(self, job: RemoteJob) -> bool:
        """Return whether a job carries this mark; a shared one in the same environment."""
        owner = self.owner
        if owner is None or not job.is_marked or job.owner != owner:
            return False
        body = self.body if self.body is not None else (self.left or {}).get("fields", {})
        return bool(owner.scope.branch) or job.data.get("environment_id") == body.get(
            "environment_id"
        )


@dataclass(frozen=True)
class RestoreFile:
    """The jobs that a command changed, where, and where that is written."""

    path: Path
    command: str
    made_at: str
    host_url: str
    account_id: int
    project_id: int
    scope: str
    jobs: tuple[Past, ...]

    def save(self) -> None:
        """Write the file. Raise MachineError when that is not possible."""
        own = {name: value for name, value in vars(self).items() if name not in ("path", "jobs")}
        head = json.dumps({"schema_version": SCHEMA_VERSION, **own})
        # a line for each job: an indent would take ten times as long, and nothing is written before
        jobs = ",\n".join(json.dumps(vars(past)) for past in self.jobs)
        text = f'{head[:-1]}, "jobs": [\n{jobs}\n]}}\n'
        replace_file(self.path, text, is_private=True)

    def finish(self, ids: Mapping[str, int]) -> None:
        """Add the ids of the jobs that were created, by key."""
        jobs = tuple(
            replace(past, job_id=ids[past.mark])
            if past.action == "create" and past.mark in ids
            else past
            for past in self.jobs
        )
        if jobs != self.jobs:
            replace(self, jobs=jobs).save()


def begin_restore(
    client: CloudClient,
    command: str,
    scope: str,
    jobs: Sequence[Past],
    folder: str | None,
) -> RestoreFile | None:
    """Write a restore file and return it; None when there is nothing to bring back."""
    if not jobs:
        return None
    hint = "name a folder with --restore-dir; without a restore file nothing is changed"
    where = private_folder(Path(folder) if folder else state_folder() / "restore", hint)
    now = clock.now()
    file = RestoreFile(
        new_name(where, f"{now:%Y%m%dT%H%M%S%fZ}-{command}-{slug(scope)}"),
        command,
        now.isoformat(),
        client.host,
        client.account_id,
        client.project_id,
        scope,
        tuple(jobs),
    )
    file.save()
    prune(where)
    return file


def slug(scope: str) -> str:
    """Return a scope as a part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", scope.lower()).strip("-")[:80] or "all"


def new_name(folder: Path, stem: str) -> Path:
    """Return a path that nobody else takes at the same moment."""
    return folder / f"{stem}-{secrets.token_hex(3)}.json"


def prune(folder: Path) -> None:
    """Remove the oldest restore files; other files are left alone."""
    found = (path for path in folder.iterdir() if NAME.fullmatch(path.name))
    files = sorted(found, key=lambda path: path.stem)
    for path in files[:-MAX_FILES]:
        path.unlink(missing_ok=True)


def pasts_of(changes: Iterable[Change], before: Mapping[int, RemoteJob]) -> list[Past]:
    """Return what a plan will do, job by job, with the jobs as they are."""
    found = []
    for change in changes:
        remote = before.get(change.job_id) if change.job_id else None
        left = left_by(change)
        if change.action == "create" and change.desired:
            owner = owner_of(change.desired.fields["description"])
            mark = owner.mark if owner else ""
            found.append(Past("create", change.key, change.name, mark, left=left))
        elif remote:
            found.append(past_of(change.action, remote, change.key, left))
    return found


def left_by(change: Change) -> dict[str, Any] | None:
    """Return fields and variables as a change will leave them, in the form of JSON."""
    if change.desired is None:
        return None
    desired = change.desired
    return {"fields": plain(dict(desired.fields)), "variables": dict(desired.env_vars)}


def plain(value: Any) -> Any:
    """Return a value as JSON gives it back."""
    return json.loads(json.dumps(value))


def past_of(action: Action, job: RemoteJob, key: str, left: Mapping[str, Any] | None) -> Past:
    """Return a job as it is now."""
    assert job.overrides is not None  # noqa: S101
    body = writable(job.data)
    hidden_fields = {name for name, value in body.items() if holds_secret(json.dumps(value))}
    hidden = {o.name for o in job.overrides if o.value == MASKED or is_hidden(o.name, o.value)}
    mark = job.owner.mark if job.owner else ""
    return Past(
        action,
        key,
        job.name,
        mark,
        job.job_id,
        {name: value for name, value in body.items() if name not in hidden_fields},
        {o.name: o.value for o in job.overrides if o.name not in hidden},
        left,
        tuple(sorted(hidden_fields | hidden)),
    )


def writable(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what can be set of a job as dbt Cloud has it."""
    return {name: value for name, value in data.items() if name not in READ_ONLY}


def is_hidden(name: str, value: str) -> bool:
    """Return whether a variable's value must not be written down."""
    return is_secret_name(name) or holds_secret(value)


def holds_secret(text: str) -> bool:
    """Return whether a text holds what looks like a secret."""
    return has_secret(text) or gives_secret(text)


# reading


def read_restore(path: str) -> RestoreFile:
    """Return a restore file. Raise FileError when it is none."""
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise not_one(path, "it is too large")
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {reason_of(error)}", hint="check the path") from None
    except ValueError:
        raise not_one(path, "it is no JSON") from None
    try:
        if document.pop("schema_version") != SCHEMA_VERSION:
            raise not_one(path, f"its schema_version is not {SCHEMA_VERSION}")
        jobs = tuple(read_past(item) for item in document.pop("jobs"))
        file = RestoreFile(Path(path), jobs=jobs, **document)
        check_types(file)
    except (TypeError, KeyError, ValueError, AttributeError, AssertionError):
        raise not_one(path, "a part of it is missing or of another form") from None
    return file


def read_past(item: Mapping[str, Any]) -> Past:
    """Return one job of the file."""
    return Past(**{**item, "not_kept": tuple(item["not_kept"])})


def check_types(file: RestoreFile) -> None:
    """Raise ValueError where a value is not of its kind."""
    for past in file.jobs:
        is_right = (
            past.action in ("create", "update", "delete")
            and isinstance(past.key, str)
            and isinstance(past.name, str)
            and isinstance(past.mark, str)
            and isinstance(past.job_id, int | None)
            and isinstance(past.body, dict | None)
            and isinstance(past.variables, dict)
            and isinstance(past.left, dict | None)
            and (past.action == "create" or (past.body is not None and past.job_id))
            and (past.left is None or {"fields", "variables"} <= past.left.keys())
        )
        if not is_right:
            raise ValueError(past.key)
    numbers = (file.account_id, file.project_id)
    texts = (file.command, file.made_at, file.host_url, file.scope)
    if not all(isinstance(n, int) for n in numbers) or not all(isinstance(t, str) for t in texts):
        raise ValueError(file.command)


def not_one(path: str, why: str) -> FileError:
    """Return the error for a file that holds nothing to bring back."""
    hint = "a deploy and a cleanup print the path of their restore file"
    return FileError(f"{path} is no restore file: {why}", path=path, line=0, hint=hint)
