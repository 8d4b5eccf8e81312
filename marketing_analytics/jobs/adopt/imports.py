"""Write a job file of jobs that are in dbt Cloud, or in a file of dbt-jobs-as-code.

What a job file cannot say stands above the job as a remark; everything else plans without a
change once the jobs are linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marketing_analytics.cloud_api.attributes import ATTRIBUTES, REQUIRED, Attribute
from marketing_analytics.cloud_api.names import shorten, without_mark
from marketing_analytics.core.errors import FileError
from marketing_analytics.core.signs import visible
from marketing_analytics.jobs.adopt.links import KEY_LENGTH, key_for, without_identifier
from marketing_analytics.jobs.forms.convert import Block
from marketing_analytics.jobs.model import read_job_text
from marketing_analytics.jobs.payload import MASKED, fields_of_remote
from marketing_analytics.jobs.plan import RemoteJob
from marketing_analytics.jobs.tfvars import Value
from marketing_analytics.jobs.tfvars.writer import Row, rows_of

# fields that a job file does not have, with the values that say nothing
OTHER_FIELDS = {
    "deferring_job_definition_id": (None, 0),
    "cost_optimization_features": (None, []),
    "compare_changes_flags": (None, "", "--select state:modified"),
    "lifecycle_webhooks_url": (None, ""),
    "self_deferring": (None, False),
}
# attributes in the order in which a person reads a job
FIRST = ("description", "execute_steps", "schedule_cron", "after")


@dataclass(frozen=True)
class Place:
    """Where the jobs are, for the top of the file and the addresses of their pages."""

    team: str
    project_id: int
    account_id: int | None = None
    host_url: str = ""

    def page_of(self, job_id: int) -> str:
        """Return the address of a job's page."""
        path = f"deploy/{self.account_id}/projects/{self.project_id}/jobs/{job_id}"
        return f"{self.host_url}/{path}"


@dataclass
class Imported:
    """A job of the new file: its attributes that are not the default, and what they lack."""

    key: str
    job: RemoteJob
    values: dict[str, Any]
    remarks: list[str] = field(default_factory=list)

    def block(self, place: Place, environment_id: int | None) -> Block:
        """Return the job as a block of the file."""
        shown = {
            n: v for n, v in self.values.items() if n != "environment_id" or v != environment_id
        }
        names = [*(n for n in FIRST if n in shown), *(n for n in shown if n not in FIRST)]
        rows = [Row(name, as_data(shown[name])) for name in names]
        return Block(self.key, rows, [f"# {line}" for line in self.comments(place)])

    def comments(self, place: Place) -> list[str]:
        """Return what stands above the job."""
        name = one_line(self.job.name)
        if not self.job.job_id:
            return [f'"{name}"', *self.remarks]
        page = f": {place.page_of(self.job.job_id)}" if place.host_url else ""
        return [f'job {self.job.job_id}, "{name}"{page}', *self.remarks]


def one_line(text: str) -> str:
    """Return a text for a comment."""
    return visible(" ".join(text.split()))


def as_data(value: Any) -> Any:
    """Return a value as the writer of job files takes it."""
    if isinstance(value, Mapping):
        return {name: Value(as_data(item), 0) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [Value(as_data(item), 0) for item in value]
    return value


def import_jobs(jobs: Sequence[RemoteJob], team: str) -> list[Imported]:
    """Return the jobs for a file, each with a key of its own."""
    keys = keys_of(jobs, team)
    found = [imported(job, keys[job.job_id], keys) for job in jobs]
    left_out_chains(found)
    return found


def keys_of(jobs: Sequence[RemoteJob], team: str) -> dict[int, str]:
    """Return a key for each job id; a second job of one key gets a number."""
    taken: set[str] = set()
    found: dict[int, str] = {}
    # those that have a key already come first
    for job in sorted(jobs, key=lambda job: (job.owner is None, job.job_id)):
        base = key = key_for(job, team)
        number = 1
        while key in taken:
            number += 1
            key = f"{shorten(base, KEY_LENGTH - 5)}-{number}"
        taken.add(key)
        found[job.job_id] = key
    return found


def imported(job: RemoteJob, key: str, keys: Mapping[int, str]) -> Imported:
    """Return one job for a file: every attribute that is not the default and can be said."""
    fields = fields_of_remote(job.data, keys)
    fields["description"] = without_identifier(without_mark(job.data.get("description")))
    entry = Imported(key, job, {})
    for attribute in ATTRIBUTES:
        if attribute.name in fields:
            take_value(entry, attribute, fields)
    take_variables(entry)
    entry.remarks += [
        f"{name} = {one_line(str(job.data[name]))} stays in dbt Cloud: a job file has no {name}"
        for name, nothing in OTHER_FIELDS.items()
        if name in job.data and job.data[name] not in nothing
    ]
    return entry


def take_value(entry: Imported, attribute: Attribute, fields: Mapping[str, Any]) -> None:
    """Add an attribute to a job, or the reason why the file does not have it."""
    name, value = attribute.name, fields[attribute.name]
    if name == "job_type" and (fields["on_pull_request"] or value not in attribute.choices):
        # follows from the triggers
        return
    if name == "after" and value:
        parent, statuses = value
        if parent.startswith("#"):
            entry.remarks.append(f"after job {parent[1:]}: it is not among these jobs")
            return
        value = {"job": parent, "statuses": list(statuses)}
    if value == "partly":
        entry.remarks.append(f"{name} is set for one git provider; the file sets it for all")
        value = True
    if value == attribute.default or (attribute.default is REQUIRED and not value):
        return
    why = why_not_sayable(name, value)
    if why:
        entry.remarks.append(f"{name} is left out: {why}")
    else:
        entry.values[name] = value


def take_variables(entry: Imported) -> None:
    """Add the variables of a job; secrets stay in dbt Cloud."""
    variables = {}
    for override in entry.job.overrides or ():
        name, value = override.name, override.value
        why = "it is a secret" if value == MASKED else why_not_sayable("env_vars", {name: value})
        if why:
            entry.remarks.append(f"{one_line(name)} stays in dbt Cloud: {why}")
        else:
            variables[name] = value
    if variables:
        entry.values["env_vars"] = dict(sorted(variables.items()))


def why_not_sayable(name: str, value: Any) -> str:
    """Return why a job file refuses a value, or nothing."""
    if name == "after":
        return ""
    steps = [] if name == "execute_steps" else [Row("execute_steps", as_data(["dbt build"]))]
    lines = rows_of([*steps, Row(name, as_data(value))], 2)
    text = "\n".join(["jobs = {", "  a = {", *lines, "  }", "}"])
    try:
        read_job_text(text)
    except FileError as error:
        return one_line(error.message.replace(' (job "a")', "").replace(' in job "a"', ""))
    return ""


def left_out_chains(entries: Sequence[Imported]) -> None:
    """Leave out what no job file can say: jobs that wait for each other, or for no job of it."""
    written = {entry.key for entry in entries if "execute_steps" in entry.values}
    parents: dict[str, str] = {}
    for entry in entries:
        after = entry.values.get("after")
        if not after:
            continue
        parents[entry.key] = after["job"]
        why = "" if after["job"] in written else "that job is left out too"
        why = why or ("these jobs wait for each other" if is_cycle(parents, entry.key) else "")
        if why:
            del entry.values["after"], parents[entry.key]
            entry.remarks.append(f"after {after['job']} is left out: {why}")


def is_cycle(parents: Mapping[str, str], key: str) -> bool:
    """Return whether a job runs after itself, through others."""
    here = parents.get(key)
    # there was no cycle before this job was added
    while here is not None and here != key:
        here = parents.get(here)
    return here == key


def file_text(entries: Iterable[Imported], place: Place, source: str) -> str:
    """Return the text of the job file."""
    entries = list(entries)
    numbers = [entry.values.get("environment_id") for entry in entries]
    environment_id = max(numbers, key=numbers.count, default=None)
    top = [Row("team_name", place.team), Row("project_id", place.project_id)]
    if environment_id is not None:
        top.append(Row("environment_id", environment_id))
    lines = [f"# Imported from {one_line(source)}.", *rows_of(top, 0), "", "jobs = {"]
    for number, entry in enumerate(entries):
        if "execute_steps" in entry.values:
            lines += ([""] if number else []) + entry.block(place, environment_id).lines()
        else:
            remarks = entry.comments(place)
            lines += [f"  # left out, since it has no steps that a file can hold: {remarks[0]}"]
            lines += [f"  # {remark}" for remark in remarks[1:]]
    return "\n".join([*lines, "}"]) + "\n"
