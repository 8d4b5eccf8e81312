"""Several --config files: a later one replaces a whole variable, as in Terraform.

So a second file that gives `jobs` leaves out the jobs of the first. That is said, and jobs that
only go for this reason are not deleted without a number.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from marketing_analytics.core.errors import FileError, UserError
from marketing_analytics.jobs.forms.lists import map_of_list
from marketing_analytics.jobs.model import JobFile, build_job_file
from marketing_analytics.jobs.plan import Plan
from marketing_analytics.jobs.tfvars import Source, Value, join_files, parse_file


def load_merged(paths: Sequence[str]) -> JobFile:
    """Return the jobs of files. Raise FileError with every mistake of what counts."""
    files = [parse_file(path) for path in paths]
    file = build_job_file(*join_files(files))
    *earlier, last = [
        (source, root.data["jobs"])
        for source, root in files
        if isinstance(root.data, dict) and "jobs" in root.data
    ]
    left_out = {key for given in earlier for key in keys_of(*given)}
    if not earlier:
        return file
    note = (
        f"jobs are those of {last[0].path}: a later file replaces the variable, so the jobs of "
        f"{' and '.join(str(source.path) for source, _ in earlier)} are left out"
    )
    missing = frozenset(left_out - {job.key for job in file.jobs})
    return replace(file, notes=(*file.notes, note), left_out=missing)


def keys_of(source: Source, jobs: Value) -> list[str]:
    """Return the keys of jobs that another file replaces; their mistakes do not count."""
    errors: list[FileError] = []
    if isinstance(jobs.data, list):
        jobs = map_of_list(source, jobs, errors)
    return list(jobs.data) if isinstance(jobs.data, dict) else []


def check_left_out(plan: Plan, left_out: Container[str], allowed: int | None) -> None:
    """Refuse deletes of jobs that an earlier file gives, unless a number of deletes was allowed."""
    gone = [c.name for c in plan.changes if c.action == "delete" and c.key in left_out]
    if not gone or allowed is not None:
        return
    raise UserError(
        f"this would delete jobs that an earlier --config gives: {', '.join(gone)}; "
        "nothing was changed",
        hint="put all jobs into one file, or repeat with "
        f"--allow-delete {sum(c.action == 'delete' for c in plan.changes)}",
    )
