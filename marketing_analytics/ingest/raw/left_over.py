"""Make ready again what a killed load left over, so that it can be loaded from its beginning.

dlt itself would go on where it was: it repeats a job whose end it had not noted, and the rows of
that job would stand twice in the staging table. Staging tables are emptied only when a load
begins, and then all of it can be done again: it deletes what it is about to insert.
"""

from __future__ import annotations

from pathlib import Path

UPDATE = "schema_updates.json"
APPLIED = f"applied_{UPDATE}"
NEW = "new_jobs"
BEGUN = ("started_jobs", "completed_jobs", "failed_jobs")
MARK = ".begun_anew"
# dlt makes them when the jobs of a table have ended
FOLLOW_UP = ".sql"


def begin_anew(working: Path) -> bool:
    """Set all loads in dlt's working folder to their beginning; return whether one had begun.

    A kill in the middle of it leaves what the next call finishes.
    """
    packages = [found for found in working.glob("load/normalized/*") if found.is_dir()]
    begun = [package for package in packages if has_begun(package)]
    for package in begun:
        to_beginning(package)
    return bool(begun)


def has_begun(package: Path) -> bool:
    """Return whether dlt changed the database for a package, or was about to."""
    marks = (package / APPLIED, package / MARK)
    return any(mark.is_file() for mark in marks) or bool(jobs_of(package, BEGUN))


def to_beginning(package: Path) -> None:
    """Make all jobs of a package new ones, and let dlt prepare its tables again."""
    # with all jobs new, nothing else tells that tables are not empty
    (package / MARK).touch()
    for found in package.glob(".pending_transitions/*"):
        found.unlink()
    for job in jobs_of(package, (NEW, *BEGUN)):
        if job.suffix == FOLLOW_UP:
            job.unlink()
    if (package / APPLIED).is_file():
        (package / APPLIED).replace(package / UPDATE)
    for job in jobs_of(package, BEGUN):
        job.replace(package / NEW / job.name)


def jobs_of(package: Path, folders: tuple[str, ...]) -> list[Path]:
    """Return the files of jobs in some of the folders of a package."""
    return [job for folder in folders for job in package.glob(f"{folder}/*") if job.is_file()]
