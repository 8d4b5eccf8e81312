"""The step that compares what a run has built with production, in the warehouse.

dbt says which models are selected, and runs a macro of ours: one statement for each model, as the
user of the run. A comparison that fails says why; the run stays as good as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.local_cloud.runs.checks.asked import Checks, selection_of
from marketing_analytics.local_cloud.runs.checks.changes import (
    change_of,
    failure_of,
    sentence_of,
    write_changes,
)
from marketing_analytics.local_cloud.runs.checks.masking import (
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_SAMPLES,
    PERSONAL,
)
from marketing_analytics.local_cloud.runs.checks.models import (
    Compared,
    compared_models,
    read_nodes,
)
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.requests.places import listed
from marketing_analytics.local_cloud.runs.steps import Kind, Step
from marketing_analytics.local_cloud.runs.workspace import Workspace

STEP_NAME = "Compare changes with production"
PROJECT = Path(__file__).parent / "dbt"
LISTING = ("ls", "--output", "json", "--output-keys", "unique_id", "--resource-type", "model")
# the artifacts of the build stay as they are
QUIET = ("--no-write-json",)
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Heard:
    """What dbt said beside the log of a step: its events, and why it failed, "" when it did not."""

    events: Path
    error: str


class Ask(Protocol):
    """Lets dbt run a command, in the run's project or another one."""

    def __call__(self, args: Sequence[str], name: str, project: Path | None = None) -> Heard:
        """Return what was heard."""


@dataclass(frozen=True)
class Comparison:
    """Compares a run with the one that it is deferred to."""

    ask: Ask
    workspace: Workspace
    run: Run
    flags: str
    say: Callable[[str], None]

    def make(self) -> str:
        """Compare, and keep what differs; return why it failed, "" when it did not."""
        changes: list[dict[str, Any]] = []
        error = ""
        try:
            changes = list(self.changes())
        except (UserError, MachineError) as found:
            error = found.message
            self.say(f"Nothing is compared: {error}.")
        for change in changes:
            self.say(sentence_of(change))
        if not error and not changes:
            self.say("The flags select no model that has a relation: nothing is compared.")
        write_changes(self.workspace.target, self.run, self.flags, changes, error)
        return error

    def changes(self) -> Iterator[dict[str, Any]]:
        """Yield how each selected model differs. Raise UserError, MachineError when none can be."""
        if self.run.deferring_run_id is None:
            raise UserError("there is no good run of production to compare with yet")
        heard = self.ask([*LISTING, *selection_of(self.flags), *QUIET], "compared")
        if heard.error:
            raise MachineError(f"dbt could not select the models: {heard.error}")
        chosen = {str(one.get("unique_id")) for one in listed(heard.events)}
        own = read_nodes(self.workspace.target / MANIFEST)
        others = read_nodes(self.workspace.state / MANIFEST)
        yield from self.compared(compared_models(sorted(chosen), own, others))

    def compared(self, waiting: list[Compared]) -> Iterator[dict[str, Any]]:
        """Yield how models differ; the one that ends dbt has failed, and the others go on."""
        while waiting:
            limits = {"most_rows": MAX_SAMPLES, "most_columns": MAX_COLUMNS, "most_keys": MAX_ROWS}
            asked = {"models": [model.asked() for model in waiting], "personal": PERSONAL}
            args = json.dumps(asked | limits)
            heard = self.ask(
                ["run-operation", "compare_models", "--args", args, *QUIET], "changes", PROJECT
            )
            told = [one["compared"] for one in listed(heard.events) if "compared" in one]
            by_id = {one["unique_id"]: one for one in told}
            done = [model for model in waiting if model.unique_id in by_id]
            yield from (change_of(model, by_id[model.unique_id]) for model in done)
            left = [model for model in waiting if model.unique_id not in by_id]
            if left:
                yield failure_of(left[0], heard.error or "dbt said nothing of it")
            waiting = left[1:]


def comparing(checks: Checks) -> list[Step]:
    """Return the step that compares, when the run has one."""
    return [Step(0, STEP_NAME, Kind.COMPARE, is_advisory=True)] * checks.has_compare


def apart(environment: dict[str, str], project: Path) -> dict[str, str]:
    """Return what dbt sees when it works on a project of ours, beside that of the run.

    It is used where it is installed: a run can write to none of its files.
    """
    left_out = ("DBT_PARTIAL_PARSE_FILE_PATH", "DBT_STATE", "DBT_DEFER")
    kept = {name: value for name, value in environment.items() if name not in left_out}
    target = Path(environment["TMPDIR"]) / "aside"
    return {**kept, "DBT_PROJECT_DIR": str(project), "DBT_TARGET_PATH": str(target)}
