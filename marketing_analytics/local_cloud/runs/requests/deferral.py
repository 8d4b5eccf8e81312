"""What a run is compared with: the artifacts of the last good run of another job or environment.

They make `state:modified+` work, and models that a run does not build are read where they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from marketing_analytics.local_cloud.runs.artifacts import artifacts_of_steps, part_in
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.requests.again import left_steps
from marketing_analytics.local_cloud.runs.steps import subcommand_of
from marketing_analytics.local_cloud.runs.store import get_run
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    find,
    load_sql,
    now_text,
)
from marketing_analytics.local_cloud.store.jobs import get_job

MANIFEST = "manifest.json"
# `result:error` and `source_status:fresher` read the others
RESULTS = "run_results.json"
COMPARED = (MANIFEST, RESULTS, "sources.json")
COMPILERS = frozenset({"compile", "generate", "parse"})
# commands that dbt can go on with at the failed model
RETRYABLE = frozenset({"build", "clone", "run", "seed", "snapshot", "test"})
# the nodes that it goes on with
TO_RETRY = frozenset({"error", "fail", "partial success", "runtime error", "skipped"})


def find_deferred(connection: Connection, run: Run) -> Run | None:
    """Return the newest good run that a run defers to, None when there is none yet."""
    job = get_job(connection, run.job_id, is_any_state=True)
    other = job.document.get("deferring_job_definition_id") if job else None
    environment = run.deferring_environment_id
    is_of_job = other and job and not job.document.get("deferring_environment_id")
    name = "last_good_run_of_job" if is_of_job else "last_good_run_of_environment"
    place = other if is_of_job else environment
    values = {"place_id": place, "run_id": run.id}
    return find(connection, Run, load_sql("runs_deferral")[name], values) if place else None


def save_deferred(connection: Connection, run_id: int, deferring_run_id: int) -> None:
    """Note what a run is deferred to."""
    values = {"run_id": run_id, "deferring_run_id": deferring_run_id, "now": now_text()}
    connection.execute(load_sql("runs_deferral")["defer_to"], values)


def copy_state(data_folder: Path, run_id: int, folder: Path) -> bool:
    """Copy what a run left into a folder, the newest of each; return whether it left a manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COMPARED:
        found = artifacts_of_steps(data_folder, run_id, name)
        # results of a compilation are none
        found = [path for path in found if name != RESULTS or command_of(path) not in COMPILERS]
        if found:
            shutil.copyfile(found[-1], folder / name)
    return (folder / MANIFEST).is_file()


def command_of(results: Path) -> str:
    """Return the dbt command that wrote a run_results.json, "" when it does not say."""
    args = part_in(results, "args")
    return str(args.get("which", "")) if isinstance(args, dict) else ""


def copy_results(data_folder: Path, run_id: int, command: str, folder: Path) -> bool:
    """Copy what the failed step of a run left, for `dbt retry`; return whether there is any.

    `command` is that of the step, such as `build`. A step that failed before its first model left
    no results, and starts from its beginning.
    """
    found = artifacts_of_steps(data_folder, run_id, RESULTS)
    if command not in RETRYABLE or not found or command_of(found[-1]) != command:
        return False
    if not has_failed_nodes(found[-1]) or not found[-1].with_name(MANIFEST).is_file():
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for name in (RESULTS, MANIFEST):
        shutil.copyfile(found[-1].with_name(name), folder / name)
    return True


def has_failed_nodes(results: Path) -> bool:
    """Return whether there is anything for `dbt retry`, which else does nothing and calls it good.

    Without failures the results are those of an earlier step, which was good.
    """
    nodes = part_in(results, "results")
    known = nodes if isinstance(nodes, list) else []
    return any(str(node.get("status")) in TO_RETRY for node in known if isinstance(node, dict))


def defer(
    connection: Connection, run: Run, data_folder: Path, folder: Path
) -> tuple[str, int | None]:
    """Get the artifacts that a run is compared with, when its job defers to others.

    Return what to say, and the run that they are of, None without any.
    """
    if run.deferring_environment_id is None or run.is_closing:
        return "", None
    other = find_deferred(connection, run)
    if other is None or not copy_state(data_folder, other.id, folder):
        return "There is no good run to defer to yet: nothing is compared or deferred.", None
    said = f"Deferred to run {other.id}: its artifacts are the state of this run."
    if other.project_id != run.project_id:
        said += " It is of another project: what that does not have counts as new."
    return said, other.id


def go_on(
    connection: Connection,
    run: Run,
    args: list[str],
    data_folder: Path,
    own: Path,
    say: Callable[[str], None],
) -> list[str]:
    """Return the command that goes on at the failed model, for the first step of a retry.

    `own` is the folder of the run. A step that was cancelled knows nothing of the models that it
    did not reach, and starts from its beginning.
    """
    retried = run.trigger_body.get("retrying_run_id")
    failed = get_run(connection, retried) if retried else None
    if failed is None or left_steps(connection, failed)[0] is None:
        return args
    folder = own / "retried"
    if not copy_results(data_folder, failed.id, subcommand_of(args) or "", folder):
        return args
    say(f"Goes on where run {retried} failed: `dbt retry` with its results.")
    return ["retry", "--state", str(folder)]
