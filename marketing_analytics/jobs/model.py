"""The jobs of a file as frozen data, checked. Their attributes are `cloud_api/attributes.py`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from marketing_analytics.cloud_api import attributes
from marketing_analytics.cloud_api.attributes import REQUIRED
from marketing_analytics.cloud_api.names import KEY_PATTERN
from marketing_analytics.core.errors import FileError, in_one
from marketing_analytics.jobs.forms.lists import map_of_list
from marketing_analytics.jobs.forms.variables import Variables
from marketing_analytics.jobs.reader import Reader, without_texts
from marketing_analytics.jobs.settings import FileDefaults
from marketing_analytics.jobs.tfvars import Source, Value, parse_file, read_variables


@dataclass(frozen=True)
class Job:
    """One job. `values` has every attribute of the table; they are read like `job.threads`."""

    key: str
    values: Mapping[str, Any]
    # offsets of the attributes, for later complaints
    places: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("values", {})
        if name not in values:
            raise AttributeError(f"a job has no attribute {name}")
        return values[name]


@dataclass(frozen=True)
class JobFile:
    """A checked file; jobs are in the order of the file."""

    source: Source = field(repr=False, compare=False)
    defaults: FileDefaults
    jobs: tuple[Job, ...]
    # what a person should know: variables that nobody reads
    notes: tuple[str, ...] = field(default=(), compare=False)
    # offset of `jobs`, for complaints about all of them
    jobs_at: int = field(default=0, compare=False)
    # keys of jobs that an earlier file gives and this one replaced
    left_out: frozenset[str] = field(default=frozenset(), compare=False)

    def layers(self) -> list[list[Job]]:
        """Return the jobs in layers: each runs after jobs of earlier layers only."""
        levels = chain_levels(self.jobs)
        top = max(levels.values(), default=-1)
        return [[job for job in self.jobs if levels[job.key] == n] for n in range(top + 1)]


def load_job_file(path: str | Path) -> JobFile:
    """Return the jobs of a file. Raise FileError with every mistake and its place."""
    return build_job_file(*parse_file(path))


def load_job_files(paths: Iterable[str]) -> list[tuple[str, JobFile]]:
    """Return the jobs of files by path. Raise FileError with the mistakes of all of them."""
    found, errors = [], []
    for path in paths:
        try:
            found.append((path, load_job_file(path)))
        except FileError as error:
            errors.append(error)
    if errors:
        raise in_one(errors)
    return found


def read_job_text(text: str, path: str | Path = "input.tfvars") -> JobFile:
    """Return the jobs of a text."""
    return build_job_file(*read_variables(text, path))


def build_job_file(source: Source, root: Value) -> JobFile:
    """Return the checked jobs of a parsed file. Raise FileError with every mistake."""
    errors = list(source.errors)
    variables = Variables(source, errors)
    entries = variables.declared(root)
    defaults = variables.defaults(entries)
    if "jobs" in entries:
        jobs = read_jobs(source, entries["jobs"], errors)
    else:
        jobs = ()
        errors.append(variables.no_jobs(root))
    if errors:
        raise in_one(without_secrets(errors))
    environments = {job.environment_id for job in jobs}
    if defaults.environment_id is None and len(environments) == 1:
        defaults = replace(defaults, environment_id=environments.pop())
    return JobFile(source, defaults, jobs, tuple(variables.notes), root.keys.get("jobs", 0))


def without_secrets(errors: list[FileError]) -> list[FileError]:
    """Return the errors; what one of them hides in a line the others do not show either."""
    hidden = {(error.path, error.line) for error in errors if error.is_masked}
    return [without_texts(e) if (e.path, e.line) in hidden else e for e in errors]


def read_jobs(source: Source, value: Value, errors: list[FileError]) -> tuple[Job, ...]:
    """Return the jobs of a map or a list; mistakes are noted."""
    reader = Reader(source, "the file", errors)
    if isinstance(value.data, list):
        value = map_of_list(source, value, errors)
    entries = reader.attempt(reader.map_of, value, "jobs") or {}
    read = [
        reader.attempt(read_job, source, key, value.keys[key], item, errors)
        for key, item in entries.items()
    ]
    jobs = tuple(job for job in read if job)
    errors += chain_errors(source, jobs, entries)
    return jobs


def read_job(source: Source, key: str, key_at: int, value: Value, errors: list[FileError]) -> Job:
    """Return one job; mistakes in it are noted, and leave the default."""
    reader = Reader(source, f'job "{key}"', errors)
    if not re.fullmatch(KEY_PATTERN, key):
        hint = "use a-z, 0-9, - and _, starting with a letter or digit, at most 60 long"
        errors.append(source.error(f"{key!r} is not usable as the key of a job", key_at, hint))
    table = attributes.ATTRIBUTES
    entries = reader.entries(value, [attribute.name for attribute in table])
    values = {}
    for attribute in table:
        given = entries.get(attribute.name)
        found = reader.read(attribute, given) if given and given.data is not None else None
        if found is None and attribute.default is REQUIRED and (not given or given.data is None):
            hint = 'write execute_steps = ["dbt build"]'
            errors.append(source.error(f'job "{key}" has no {attribute.name}', key_at, hint))
        values[attribute.name] = attribute.default if found is None else found
    places = {name: item.at for name, item in entries.items()} | {"key": key_at}
    if (steps := entries.get("execute_steps")) and isinstance(steps.data, list):
        places |= {step_place(number): item.at for number, item in enumerate(steps.data)}
    job = Job(key, values, places)
    errors += trigger_errors(source, job)
    return job


def step_place(number: int) -> str:
    """Return the name under which a job has the place of a step, counted from 0."""
    return f"execute_steps[{number}]"


def trigger_errors(source: Source, job: Job) -> list[FileError]:
    """Return the mistakes of triggers that dbt Cloud does not allow together."""
    if not job.on_merge or not (job.on_pull_request or job.schedule_cron or job.job_type):
        return []
    message = f'on_merge cannot be combined with another trigger or job_type (job "{job.key}")'
    hint = "remove schedule_cron, on_pull_request and job_type"
    return [source.error(message, job.places["on_merge"], hint)]


def chain_errors(source: Source, jobs: tuple[Job, ...], keys: Iterable[str]) -> list[FileError]:
    """Return the mistakes of chains: unknown jobs, and jobs that wait for each other."""
    by_key, known = {job.key: job for job in jobs}, list(keys)
    errors = [
        unknown_parent(source, job, known)
        for job in jobs
        if job.after and job.after.job not in known
    ]
    return errors + [cycle(source, by_key[ring[0]], ring) for ring in find_rings(jobs)]


def find_rings(jobs: Iterable[Job]) -> list[list[str]]:
    """Return the keys of jobs that wait for each other; the first of a ring is its last too."""
    parents, seen, rings = parents_of(jobs), set[str](), list[list[str]]()
    for key in parents:
        path, here = list[str](), key
        while here in parents and here not in seen:
            seen.add(here)
            path.append(here)
            here = parents[here]
        if here in path:
            rings.append([*path[path.index(here) :], here])
    return rings


def parents_of(jobs: Iterable[Job]) -> dict[str, str]:
    """Return which job of the file each chained job runs after."""
    by_key = {job.key: job for job in jobs}
    return {
        job.key: job.after.job for job in by_key.values() if job.after and job.after.job in by_key
    }


def unknown_parent(source: Source, job: Job, known: list[str]) -> FileError:
    """Return the error for a job that runs after one that is not there."""
    close = difflib.get_close_matches(job.after.job, known, n=1)
    return source.error(
        f'job "{job.key}" runs after "{job.after.job}", which is not in the file',
        job.places["after"],
        f"did you mean {close[0]}?" if close else "name a key of jobs",
    )


def cycle(source: Source, job: Job, chain: list[str]) -> FileError:
    """Return the error for jobs that wait for each other."""
    message = f"these jobs wait for each other: {' → '.join(chain)}"
    return source.error(message, job.places["after"], "remove one of the after = { ... }")


def chain_levels(jobs: Iterable[Job]) -> dict[str, int]:
    """Return how many jobs come before each job in its chain; no jobs wait for each other."""
    parents, levels = parents_of(jobs), dict[str, int]()
    for job in jobs:
        path = list[str]()
        here: str | None = job.key
        while here is not None and here not in levels:
            path.append(here)
            here = parents.get(here)
        start = -1 if here is None else levels[here]
        levels |= {key: start + place for place, key in enumerate(reversed(path), start=1)}
    return levels
