"""What is kept of a step of dbt: its parse file, its artifacts and its debug log."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from marketing_analytics.local_cloud.runs.artifacts import keep_artifacts, keep_parse_file
from marketing_analytics.local_cloud.runs.progress import step_log_path
from marketing_analytics.local_cloud.runs.steps import keep_debug_log
from marketing_analytics.local_cloud.runs.workspace import Workspace, metadata_of


def keep_step(
    workspace: Workspace,
    step_index: int,
    environment: Mapping[str, str],
    secrets: Sequence[str],
    say: Callable[[str], None],
    *,
    is_last: bool,
) -> bool:
    """Move what a step left out of the folder that steps write to; return whether it has artifacts.

    `is_last` is whether no later step works in dbt's target folder. What cannot be kept is told by
    `say`, and changes nothing about the step.
    """
    run = workspace.data_folder, workspace.run_id
    target, metadata = workspace.target, metadata_of(environment)
    keep_parse_file(target, workspace.parse_file)
    kept = False
    with told("The artifacts", say):
        kept = keep_artifacts(*run, step_index, target, metadata, secrets, is_last=is_last, say=say)
    with told("dbt's debug log", say):
        log = step_log_path(*run, step_index).with_suffix(".debug.log")
        keep_debug_log(workspace.debug_logs(step_index), log, secrets)
    return kept


@contextlib.contextmanager
def told(what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Say why something of a step could not be kept."""
    try:
        yield
    except (OSError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "folders lie too deep in each other"
        say(f"{what} of this step could not be kept: {reason}.")
