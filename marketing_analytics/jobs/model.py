"""The jobs of a file as frozen data, checked.

Names and defaults are those of `variables.tf`; a test compares them field by field.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marketing_analytics.cloud_api.names import KEY_PATTERN, TEAM_PATTERN
from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.secrets import secret_reason, without_texts
from marketing_analytics.jobs.settings import FileDefaults
from marketing_analytics.jobs.tfvars import Source, Value, parse_file, parse_text
from marketing_analytics.jobs.tfvars.values import as_boolean, as_number, as_text, kind_of

MAX_CHAIN_LEVELS = 4
STATUSES = ("success", "error", "canceled")
VARIABLE_PATTERN = "^DBT_[A-Z0-9_]{1,250}$"
FILE_KEYS = ("team_name", "project_id", "environment_id", "jobs")


@dataclass(frozen=True)
class After:
    """Run when another job of the file has finished with one of these statuses."""

    job: str
    statuses: frozenset[str] = frozenset({"success"})


@dataclass(frozen=True)
class Job:
    """One job. Times are UTC; no schedule means on demand."""

    key: str
    execute_steps: tuple[str, ...]
    description: str = ""
    schedule_cron: str | None = None
    after: After | None = None
    threads: int = 4
    target_name: str = "default"
    timeout_seconds: int = 0
    generate_docs: bool = False
    run_source_freshness: bool = False
    on_pull_request: bool = False
    on_merge: bool = False
    deferring_environment_id: int | None = None
    dbt_version: str | None = None
    env_vars: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    tags: tuple[str, ...] = ()
    # offsets of the attributes, for later complaints
    places: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class JobFile:
    """A checked file; jobs are in the order of the file."""

    source: Source = field(repr=False, compare=False)
    defaults: FileDefaults
    jobs: tuple[Job, ...]

    def layers(self) -> list[list[Job]]:
        """Return the jobs in layers: each runs after jobs of earlier layers only."""
        levels = chain_levels(self.jobs)
        top = max(levels.values(), default=-1)
        return [[job for job in self.jobs if levels[job.key] == n] for n in range(top + 1)]


def load_job_file(path: str | Path) -> JobFile:
    """Return the jobs of a file. Raise FileError with the place of the first mistake."""
    return build_job_file(*parse_file(path))


def read_job_text(text: str, path: str | Path = "input.tfvars") -> JobFile:
    """Return the jobs of a text."""
    return build_job_file(*parse_text(text, path))


def build_job_file(source: Source, root: Value) -> JobFile:
    """Return the checked jobs of a parsed file."""
    reader = Reader(source, "the file")
    entries = reader.entries(root, FILE_KEYS)
    if "jobs" not in entries:
        raise source.error("the file has no jobs", 0, "write jobs = { key = { ... } }")
    defaults = FileDefaults(
        team_name=reader.read(entries, "team_name", reader.team),
        project_id=reader.read(entries, "project_id", reader.identifier),
        environment_id=reader.read(entries, "environment_id", reader.identifier),
    )
    jobs_value = entries["jobs"]
    jobs = tuple(
        read_job(source, key, jobs_value.keys[key], value)
        for key, value in reader.map_of(jobs_value, "jobs").items()
    )
    check_chains(source, jobs)
    return JobFile(source, defaults, jobs)


JOB_KEYS = tuple(f.name for f in fields(Job) if f.name not in ("key", "places"))


def read_job(source: Source, key: str, key_at: int, value: Value) -> Job:
    """Return one job, checked."""
    if not re.fullmatch(KEY_PATTERN, key):
        hint = "use a-z, 0-9, - and _, starting with a letter or digit, at most 60 long"
        raise source.error(f"{key!r} is not usable as the key of a job", key_at, hint)
    reader = Reader(source, f'job "{key}"')
    entries = reader.entries(value, JOB_KEYS)
    if "execute_steps" not in entries or entries["execute_steps"].data is None:
        hint = 'write execute_steps = ["dbt build"]'
        raise source.error(f'job "{key}" has no execute_steps', key_at, hint)
    read = reader.job_readers()
    given = {n: read[n](v, n) for n, v in entries.items() if v.data is not None}
    places = {name: item.at for name, item in entries.items()} | {"key": key_at}
    job = Job(key=key, places=places, **given)
    check_triggers(source, job)
    return job


class Reader:
    """Turns values into typed data; every refusal names the owner and the attribute."""

    def __init__(self, source: Source, owner: str) -> None:
        self.source = source
        self.owner = owner

    def refuse(self, message: str, value: Value, hint: str) -> FileError:
        """Return an error at a value."""
        return self.source.error(f"{message} ({self.owner})", value.at, hint)

    def read(
        self, entries: Mapping[str, Value], name: str, convert: Callable[[Value, str], Any]
    ) -> Any:
        """Return an optional attribute, or None."""
        value = entries.get(name)
        return None if value is None or value.data is None else convert(value, name)

    def entries(self, value: Value, known: Iterable[str]) -> dict[str, Value]:
        """Return the members of an object, all of which must be known."""
        if not isinstance(value.data, dict):
            raise self.refuse(f"{kind_of(value.data)} instead of an object", value, "write { ... }")
        for name in value.data:
            if name not in known:
                raise self.unknown(name, value.keys[name], list(known))
        return value.data

    def unknown(self, name: str, at: int, known: list[str]) -> FileError:
        """Return an error for a name that nobody reads, with a suggestion."""
        if secret_reason(name, ""):
            hint = "keep secrets out of the file; the token comes from DBTCLOUD_TOKEN"
            error = self.source.error(f'"{name}" looks like a secret ({self.owner})', at, hint)
            return without_texts(error)
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        return self.source.error(f'unknown key "{name}" ({self.owner})', at, hint)

    def map_of(self, value: Value, name: str) -> dict[str, Value]:
        """Return the members of a map with free keys."""
        if not isinstance(value.data, dict):
            raise self.refuse(
                f"{name} is {kind_of(value.data)}", value, f"write {name} = {{ ... }}"
            )
        return value.data

    def job_readers(self) -> dict[str, Callable[[Value, str], Any]]:
        """Return what reads each attribute of a job."""
        return {
            "execute_steps": self.steps,
            "description": self.description,
            "schedule_cron": self.cron,
            "after": self.after,
            "threads": self.threads,
            "target_name": self.word,
            "timeout_seconds": self.count,
            "generate_docs": self.flag,
            "run_source_freshness": self.flag,
            "on_pull_request": self.flag,
            "on_merge": self.flag,
            "deferring_environment_id": self.identifier,
            "dbt_version": self.word,
            "env_vars": self.env_vars,
            "tags": self.tags,
        }

    # one reader per type

    def line(self, value: Value, name: str) -> str:
        """Return a text of one line without control characters, and without secrets."""
        text = as_text(value.data)
        if text is None:
            raise self.refuse(f"{name} is {kind_of(value.data)}", value, "write a text in quotes")
        if not text.isprintable():
            raise self.refuse(f"{name} has control characters or newlines", value, "use one line")
        if secret_reason("", text):
            hint = "keep secrets out of the file; use an environment variable of dbt Cloud"
            error = self.refuse(f"{name} holds what looks like a secret", value, hint)
            raise without_texts(error)
        return text

    def description(self, value: Value, name: str) -> str:
        """Return a text that may have several lines, without blanks around it."""
        text = as_text(value.data)
        if text is None:
            return self.line(value, name)
        lines = [self.line(Value(part, value.at), name) for part in text.strip().split("\n")]
        return "\n".join(lines)

    def word(self, value: Value, name: str) -> str:
        """Return a text that is not blank."""
        text = self.line(value, name)
        if not text.strip():
            raise self.refuse(f"{name} is empty", value, f"remove {name} or give it a value")
        return text

    def team(self, value: Value, name: str) -> str:
        """Return a team's name."""
        text = self.word(value, name)
        if not re.fullmatch(TEAM_PATTERN, text):
            raise self.refuse(f"{name} is not usable", value, "write it like marketing-team")
        return text

    def flag(self, value: Value, name: str) -> bool:
        """Return true or false."""
        flag = as_boolean(value.data)
        if flag is None:
            hint = "write true or false, without quotes"
            raise self.refuse(f"{name} is {kind_of(value.data)}", value, hint)
        return flag

    def count(self, value: Value, name: str) -> int:
        """Return a whole number from 0."""
        number = as_number(value.data)
        if number is None:
            raise self.refuse(f"{name} is {kind_of(value.data)}", value, "write a whole number")
        if number < 0 or number != int(number) or number >= 2**63:
            raise self.refuse(f"{name} is not a whole number from 0", value, "write 0 or more")
        return int(number)

    def threads(self, value: Value, name: str) -> int:
        """Return a number of threads, from 1."""
        number = self.count(value, name)
        if number < 1:
            raise self.refuse(f"{name} must be at least 1", value, "write 1 or more")
        return number

    def identifier(self, value: Value, name: str) -> int:
        """Return an id of dbt Cloud, from 1."""
        number = self.count(value, name)
        if number < 1:
            raise self.refuse(f"{name} is not an id", value, "write the number from the page URL")
        return number

    def texts(self, value: Value, name: str) -> list[tuple[str, Value]]:
        """Return the texts of a list with their values."""
        if not isinstance(value.data, list):
            raise self.refuse(f"{name} is {kind_of(value.data)}", value, f'write {name} = ["..."]')
        return [(self.word(item, f"an item of {name}"), item) for item in value.data]

    def tags(self, value: Value, name: str) -> tuple[str, ...]:
        """Return tags."""
        return tuple(text for text, _ in self.texts(value, name))

    def steps(self, value: Value, name: str) -> tuple[str, ...]:
        """Return dbt commands; at least one."""
        steps = self.texts(value, name)
        if not steps:
            raise self.refuse(f"{name} is empty", value, 'write at least one step: ["dbt build"]')
        for step, item in steps:
            if not re.match(r"dbt [^\s]", step):
                raise self.refuse("a step must start with 'dbt '", item, 'like "dbt build"')
        return tuple(step for step, _ in steps)

    def cron(self, value: Value, name: str) -> str:
        """Return a cron expression of five fields."""
        text = self.word(value, name)
        count = len(text.split())
        if count != 5:
            hint = f'remove the seconds field: "{" ".join(text.split()[1:])}"'
            raise self.refuse(
                f"the schedule has {count} fields, cron needs 5",
                value,
                hint if count == 6 else 'write minute hour day month weekday, like "0 6 * * *"',
            )
        reason = cron_mistake(text)
        if reason:
            raise self.refuse(f"the schedule is not valid: {reason}", value, 'like "0 6 * * *"')
        return text

    def after(self, value: Value, name: str) -> After:
        """Return what the job runs after."""
        entries = self.entries(value, ("job", "statuses"))
        if "job" not in entries or entries["job"].data is None:
            raise self.refuse("after has no job", value, 'write after = { job = "key" }')
        job = self.word(entries["job"], "after.job")
        statuses = entries.get("statuses")
        if statuses is None or statuses.data is None:
            return After(job)
        return After(job, self.statuses(statuses))

    def statuses(self, value: Value) -> frozenset[str]:
        """Return statuses of a finished run."""
        found = self.texts(value, "statuses")
        for status, item in found:
            if status not in STATUSES:
                raise self.refuse(f"unknown status {status!r}", item, f"use {', '.join(STATUSES)}")
        if not found:
            raise self.refuse("statuses is empty", value, f"use {', '.join(STATUSES)}")
        return frozenset(status for status, _ in found)

    def env_vars(self, value: Value, name: str) -> Mapping[str, str]:
        """Return environment variables; secrets are refused."""
        found = {}
        for variable, item in self.map_of(value, name).items():
            self.check_variable(variable, value.keys[variable])
            found[variable] = self.line(item, f"{name}.{variable}")
        return MappingProxyType(found)

    def check_variable(self, variable: str, at: int) -> None:
        """Refuse names that dbt Cloud refuses, and names of secrets."""
        if secret_reason(variable, ""):
            hint = "set it in dbt Cloud, as a variable of the project or environment"
            message = f'"{variable}" is a secret by its name ({self.owner})'
            raise without_texts(self.source.error(message, at, hint))
        if not re.fullmatch(VARIABLE_PATTERN, variable):
            hint = "names start with DBT_ and have A-Z, 0-9 and _"
            raise self.source.error(f'"{variable}" is no variable ({self.owner})', at, hint)


def cron_mistake(text: str) -> str:
    """Return why a five-field cron expression is wrong, or an empty text."""
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(text, datetime.now(UTC)))
    except CronSimError as error:
        return str(error).lower()
    except StopIteration:
        return "it never comes true"
    return ""


def check_triggers(source: Source, job: Job) -> None:
    """Refuse triggers that dbt Cloud does not allow together."""
    if job.on_merge and (job.on_pull_request or job.schedule_cron):
        raise source.error(
            f'on_merge cannot be combined with another trigger (job "{job.key}")',
            job.places["on_merge"],
            "remove schedule_cron and on_pull_request",
        )


def check_chains(source: Source, jobs: tuple[Job, ...]) -> None:
    """Refuse chains to unknown jobs, cycles and chains that are too long."""
    by_key = {job.key: job for job in jobs}
    for job in jobs:
        if job.after and job.after.job not in by_key:
            close = difflib.get_close_matches(job.after.job, by_key, n=1, cutoff=0.5)
            raise source.error(
                f'job "{job.key}" runs after "{job.after.job}", which is not in the file',
                job.places["after"],
                f"did you mean {close[0]}?" if close else "name a key of jobs",
            )
    for job in jobs:
        check_chain(source, job, by_key)


def check_chain(source: Source, job: Job, by_key: Mapping[str, Job]) -> None:
    """Refuse a chain that comes back to itself or is too long."""
    seen = [job.key]
    here = job
    while here.after:
        here = by_key[here.after.job]
        if here.key in seen:
            path = " → ".join([*seen, here.key])
            raise source.error(
                f"these jobs wait for each other: {path}",
                job.places["after"],
                "remove one of the after = { ... }",
            )
        seen.append(here.key)
    if len(seen) > MAX_CHAIN_LEVELS:
        raise source.error(
            f'the chain to "{job.key}" is {len(seen)} jobs long',
            job.places["after"],
            f"at most {MAX_CHAIN_LEVELS} are possible; put steps of neighbours into one job",
        )


def chain_levels(jobs: Iterable[Job]) -> dict[str, int]:
    """Return how many jobs come before each job in its chain."""
    by_key = {job.key: job for job in jobs}
    levels: dict[str, int] = {}
    for key, job in by_key.items():
        level, here = 0, job
        while here.after:
            level, here = level + 1, by_key[here.after.job]
        levels[key] = level
    return levels
