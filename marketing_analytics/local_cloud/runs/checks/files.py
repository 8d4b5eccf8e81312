"""Which SQL files a run lints: those that differ from what it is deferred to, else all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.local_cloud.runs.code.checkout import Checkout, Home
from marketing_analytics.local_cloud.runs.code.git import GitError, Repository
from marketing_analytics.local_cloud.runs.code.packages import read_yaml
from marketing_analytics.local_cloud.runs.records import Run

# where a project keeps SQL that is linted; macros are no SQL yet, nor are snapshots
LINTED = {"model-paths": ["models"], "analysis-paths": ["analyses"], "test-paths": ["tests"]}
MACROS = {"macro-paths": ["macros"]}


@dataclass(frozen=True)
class ToLint:
    """The files, relative to the project, and a sentence that says why these."""

    files: list[str]
    why: str


def files_to_lint(checkout: Checkout, home: Home, other: Run | None) -> ToLint:
    """Return the SQL files that a run lints; `other` is the run that it is deferred to."""
    every = sql_files(checkout.project)
    whole = f"all {len(every)} SQL files of the project"
    if other is None:
        return ToLint(every, f"{whole}: the run is deferred to no other")
    if checkout.repository is None or not other.git_sha:
        return ToLint(every, f"{whole}: git does not know what has changed since run {other.id}")
    changed = changed_files(checkout.repository, home, other.git_sha)
    if changed is None:
        known = f"commit {other.git_sha[:10]} of run {other.id} is not in the repository"
        return ToLint(every, f"{whole}: {known}")
    inner = os.path.relpath(checkout.project, home.tree)
    found = [name for name in every if os.path.normpath(Path(inner, name)) in changed]
    since = f"commit {other.git_sha[:10]} of run {other.id}"
    return ToLint(found, f"{len(found)} of {len(every)} SQL files, which differ from {since}")


def changed_files(repository: Repository, home: Home, sha: str) -> set[str] | None:
    """Return the files of a run that a commit has not, or has otherwise; None without it.

    Paths are relative to the repository. Files that are not committed count too.
    """
    more = {"GIT_INDEX_FILE": str(home.index), "GIT_WORK_TREE": str(home.tree)}
    if repository.find_commit(sha) is None:
        return None
    differ = ("diff", "--name-only", "-z", "--no-renames", "--diff-filter=d", sha, "--")
    try:
        found = repository.git(*differ, folder=home.tree, more=more)
        found += repository.git("ls-files", "--others", "-z", folder=home.tree, more=more)
    except GitError:
        return None
    return {name for name in found.split("\0") if name}


def sql_files(project: Path) -> list[str]:
    """Return the SQL files of a project that can be linted, relative to it, in order."""
    places = paths_of(settings_of(project), LINTED)
    found = (path for place in places for path in (project / place).rglob("*.sql"))
    files = {path.relative_to(project).as_posix() for path in found if path.is_file()}
    return sorted(files)


def macro_folders(project: Path) -> list[Path]:
    """Return where the macros of a project and of its installed packages are."""
    settings = settings_of(project)
    installed = settings.get("packages-install-path", "dbt_packages")
    packages = sorted((project / str(installed)).glob("*/macros"))
    own = [project / place for place in paths_of(settings, MACROS)]
    return [folder for folder in (*own, *packages) if folder.is_dir()]


def settings_of(project: Path) -> dict[str, Any]:
    """Return what a project says of itself, {} for a file that cannot be read."""
    return read_yaml(project / "dbt_project.yml") or {}


def paths_of(settings: dict[str, Any], wanted: dict[str, list[str]]) -> list[str]:
    """Return folders that a project names, inside of it; defaults where it names none."""
    given = [settings.get(name, usual) for name, usual in wanted.items()]
    named = [str(place) for places in given if isinstance(places, list) for place in places]
    return [place for place in named if not place.startswith("/") and ".." not in Path(place).parts]
