"""Find what goes wrong between the jobs of a file, given what each builds and when it runs."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.lineage.project import Project
from marketing_analytics.jobs.lineage.schedule import (
    DAYS_CHECKED,
    Run,
    Timetable,
    day_of,
    length_in_words,
    moment,
    timetable,
)
from marketing_analytics.jobs.model import Job, JobFile, step_place

Place = tuple[int | None, str]


@dataclass(frozen=True)
class Role:
    """What a job does to tables: ids of nodes."""

    job: Job
    builds: frozenset[str]
    # of these it builds none itself
    reads: frozenset[str]

    @property
    def place(self) -> Place:
        """Return where the tables are: environment, and schema where the job sets one."""
        return (self.job.environment_id, self.job.env_vars.get("DBT_SCHEMA", ""))


class Check:
    """The check of one file."""

    def __init__(self, file: JobFile, project: Project, lengths: Mapping[str, float]) -> None:
        self.file = file
        self.project = project
        self.times: Timetable = timetable(file.jobs, lengths)
        # a CI job builds in a schema of its own
        self.roles = {job.key: self.role(job) for job in file.jobs if not is_ci(job)}
        # which jobs build a node in a place
        self.builders: dict[tuple[Place, str], set[str]] = defaultdict(set)
        for key, role in self.roles.items():
            for each in role.builds:
                self.builders[role.place, each].add(key)

    def role(self, job: Job) -> Role:
        """Return what a job builds and reads."""
        builds = self.project.built_by(job.execute_steps)
        # what it does not build it reads where it defers to
        defers = job.deferring_environment_id is not None
        reads = frozenset[str]() if defers else self.project.read_by(job.execute_steps) - builds
        return Role(job, builds, reads)

    def findings(self) -> list[FileError]:
        """Return everything that is wrong, by place in the file."""
        found = [
            *self.steps_that_fail(),
            *self.readers_out_of_order(),
            *self.built_twice_at_once(),
            *self.longer_than_their_interval(),
            *self.built_by_nobody(),
        ]
        return sorted(found, key=lambda finding: (finding.line, finding.column))

    def at(self, job: Job, *names: str) -> int:
        """Return the offset of the first of these attributes that the file gives."""
        return next((job.places[name] for name in names if name in job.places), job.places["key"])

    # steps

    def steps_that_fail(self) -> Iterator[FileError]:
        """Yield what dbt refuses, and what works on nothing."""
        for job in self.file.jobs:
            for number, step in enumerate(job.execute_steps):
                for fault in self.project.works[step].faults:
                    message = f'step {number + 1} of job "{job.key}": {fault.message}'
                    at = self.at(job, step_place(number), "execute_steps")
                    yield self.file.source.error(message, at, fault.hint)
            if job.run_source_freshness and not self.project.has_freshness:
                message = f'job "{job.key}" checks freshness, but no source of the project has any'
                hint = "give sources a freshness and a loaded_at_field, or leave it out"
                yield self.file.source.error(message, self.at(job, "run_source_freshness"), hint)

    # order

    def readers_out_of_order(self) -> Iterator[FileError]:
        """Yield the jobs that read what another builds just then, or later that day."""
        for key, role in self.roles.items():
            by_builders: dict[frozenset[str], set[str]] = defaultdict(set)
            for each in role.reads:
                builders = self.builders.get((role.place, each))
                if builders:
                    by_builders[frozenset(builders)].add(each)
            told: set[str] = set()
            for keys, nodes in sorted(by_builders.items(), key=lambda item: sorted(item[0])):
                found = self.out_of_order(key, self.times.in_order(keys))
                # one line for each pair of jobs
                if found and found[1].key not in told and not self.is_told_elsewhere(*found):
                    told.add(found[1].key)
                    yield self.out_of_order_error(role.job, *found, nodes)

    def is_told_elsewhere(self, run: Run, build: Run) -> bool:
        """Return whether two jobs at once build the same tables too, which is the worse fault."""
        both = self.roles[run.key].builds & self.roles[build.key].builds
        return build.start <= run.start and bool(both)

    def out_of_order(self, key: str, builds: Sequence[Run]) -> tuple[Run, Run] | None:
        """Return a run of a reader with a run that builds what it reads too late, or None."""
        runs = self.times.runs[key]
        starts = [run.start for run in runs]
        by_day: dict[int, list[Run]] = defaultdict(list)
        for build in builds:
            by_day[day_of(build.start)].append(build)
        for index, run in enumerate(runs):
            if day_of(run.start) >= DAYS_CHECKED:
                return None
            today = by_day[day_of(run.start)]
            under_way = next((b for b in today if b.start <= run.start < b.end), None)
            if under_way:
                return run, under_way
            is_last = index + 1 == len(runs) or day_of(starts[index + 1]) > day_of(run.start)
            if not is_last or not today or today[0].end <= run.start:
                continue
            # what is built waits for its next reader: longer than it came too late?
            build = today[0]
            after = bisect_left(starts, build.end)
            if after == len(starts) or build.start - run.start < starts[after] - build.end:
                return run, build
        return None

    def out_of_order_error(self, job: Job, run: Run, build: Run, nodes: set[str]) -> FileError:
        """Return the finding of a reader and a builder."""
        said, other = self.project.said(nodes), build.key
        at = self.at(job, "schedule_cron", "after")
        if build.start <= run.start:
            takes = self.times.known.get(other)
            how_long = f", which takes {length_in_words(takes)}," if takes else ""
            message = (
                f'job "{job.key}" reads {said} while job "{other}"{how_long} builds them '
                f"({moment(run.start)} UTC)"
            )
        else:
            message = (
                f'job "{job.key}" runs before job "{other}", which builds what it reads: {said} '
                f"({moment(run.start)} and {moment(build.start)} UTC)"
            )
        is_chained = self.roles[other].job.after is not None
        hint = f'write after = {{ job = "{other}" }} instead of the schedule'
        later = f"give it a schedule after that of {other}"
        return self.file.source.error(message, at, later if is_chained else f"{later}, or {hint}")

    def built_twice_at_once(self) -> Iterator[FileError]:
        """Yield the pairs of jobs that build one table at the same time."""
        for first, second in self.times.overlaps():
            if first.key not in self.roles or second.key not in self.roles:
                continue
            one, two = self.roles[first.key], self.roles[second.key]
            both = one.builds & two.builds
            if not both or one.place != two.place:
                continue
            takes = self.times.known.get(first.key)
            why = f"; {first.key} takes {length_in_words(takes)}" if takes else ""
            message = (
                f'jobs "{first.key}" and "{second.key}" build the same tables at the same time: '
                f"{self.project.said(both)} ({moment(second.start)} UTC{why})"
            )
            hint = "move one of them, or let one run after the other: after = { job = ... }"
            at = self.at(two.job, "schedule_cron", "after")
            yield self.file.source.error(message, at, hint)

    def longer_than_their_interval(self) -> Iterator[FileError]:
        """Yield the jobs that come due again before they are done, judged by past runs."""
        for key, length in self.times.known.items():
            runs = self.times.runs.get(key, ())
            gaps = [two.start - one.start for one, two in pairwise(runs)]
            if not gaps or min(gaps) >= length:
                continue
            job = next(job for job in self.file.jobs if job.key == key)
            message = (
                f'job "{key}" takes {length_in_words(length)} and comes due again '
                f"after {length_in_words(min(gaps))}"
            )
            at = self.at(job, "schedule_cron", "after")
            yield self.file.source.error(message, at, "let it run less often, or do less")

    # coverage

    def built_by_nobody(self) -> Iterator[FileError]:
        """Yield one finding for the models, seeds and snapshots that no job builds."""
        built = {each for role in self.roles.values() for each in role.builds}
        steps = {step for job in self.file.jobs for step in job.execute_steps}
        if not built or not all(self.project.works[step].is_known for step in steps):
            return
        left = [n for n in self.project.nodes if self.project.is_table(n) and n not in built]
        if left:
            are = f"{len(left)} tables are" if len(left) > 1 else "a table is"
            message = f"{are} built by no job: {self.project.said(left)}"
            names = " ".join(self.project.names(left)[:3])
            hint = f'add a step such as "dbt build --select {names}", or disable them in dbt'
            yield self.file.source.error(message, self.file.jobs_at, hint)


def is_ci(job: Job) -> bool:
    """Return whether a job checks a pull request."""
    return bool(job.on_pull_request) or job.job_type == "ci"


def findings_of(
    file: JobFile, project: Project, lengths: Mapping[str, float] | None = None
) -> list[FileError]:
    """Return what is wrong between the jobs of a file.

    `lengths` are the seconds that past runs took by key of the job.
    """
    return Check(file, project, lengths or {}).findings()
