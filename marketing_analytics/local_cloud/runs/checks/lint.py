"""The step that lints: what is asked of the linter, and where its settings are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from marketing_analytics.core.errors import MachineError
from marketing_analytics.core.written import replace_file
from marketing_analytics.local_cloud.runs.checks.asked import Checks
from marketing_analytics.local_cloud.runs.checks.files import files_to_lint, macro_folders
from marketing_analytics.local_cloud.runs.checks.linter import (
    default_settings,
    has_module,
    has_settings,
)
from marketing_analytics.local_cloud.runs.child.program import LINT
from marketing_analytics.local_cloud.runs.code.checkout import Checkout
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.steps import Kind, Step
from marketing_analytics.local_cloud.runs.workspace import Workspace

STEP_NAME = "Lint SQL with sqlfluff"
# what sqlfluff calls the SQL of an adapter, where it has another name
DIALECTS = {"spark": "sparksql", "sqlserver": "tsql", "fabric": "tsql", "synapse": "tsql"}
KNOWN = frozenset(
    {"athena", "bigquery", "clickhouse", "databricks", "duckdb", "postgres", "redshift"}
    | {"snowflake", "teradata", "trino"}
)


def linting(checks: Checks) -> list[Step]:
    """Return the step that lints, when the run has one."""
    step = Step(0, STEP_NAME, Kind.LINT, is_advisory=not checks.is_lint_fatal)
    return [step] * checks.has_lint


def require_linter() -> None:
    """Raise MachineError when sqlfluff is not installed."""
    if not has_module("sqlfluff"):
        raise MachineError(
            "the job asks for linting, and sqlfluff is not installed beside the server",
            hint="pip install sqlfluff, or set run_lint of the job to false",
        )


@dataclass(frozen=True)
class Linting:
    """What the process of a run is asked, with what it sees beside; `why` says why these files."""

    args: list[str]
    environment: dict[str, str]
    why: str


def linting_of(
    checkout: Checkout, workspace: Workspace, other: Run | None, adapter: str
) -> Linting:
    """Return what is to be linted, by the run that this one is deferred to."""
    wanted = files_to_lint(checkout, workspace.home, other)
    return Linting([LINT, *wanted.files], write_settings(workspace, adapter), wanted.why)


def write_settings(workspace: Workspace, adapter: str) -> dict[str, str]:
    """Write the settings that the project's own are laid over; return where they are.

    sqlfluff reads a user's settings first, and those of the folders down to the project: they are
    in the folder above the code. No settings of the server's own user count.
    """
    home, project = workspace.home.folder, workspace.project
    dialect = DIALECTS.get(adapter, adapter if adapter in KNOWN else "ansi")
    is_alone = not has_settings(*folders_between(workspace.home.tree, project))
    macros = macro_folders(project)
    text = default_settings(dialect, macros, is_alone=is_alone)
    # a run can write there: a link must not be followed
    replace_file(home / ".sqlfluff", text)
    return {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "no_settings")}


def folders_between(outer: Path, inner: Path) -> list[Path]:
    """Return a folder, and those above it up to an outer one."""
    above = [folder for folder in inner.parents if folder.is_relative_to(outer)]
    return [inner, *above]
