"""What a run is compared with: the artifacts of the last good run of another job or environment.

They make `state:modified+` work, and models that a run does not build are read where they are.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from marketing_analytics.local_cloud.runs.artifacts import artifacts_of_steps
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.store.connection import find, load_sql, now_text
from marketing_analytics.local_cloud.store.jobs import get_job

MANIFEST = "manifest.json"
# `result:error` and `source_status:fresher` read the others
COMPARED = (MANIFEST, "run_results.json", "sources.json")


def find_deferred(connection: sqlite3.Connection, run: Run) -> Run | None:
    """Return the newest good run that a run defers to, None when there is none yet."""
    job = get_job(connection, run.job_id, is_any_state=True)
    other = job.document.get("deferring_job_definition_id") if job else None
    environment = run.deferring_environment_id
    is_of_job = other and job and not job.document.get("deferring_environment_id")
    name = "last_good_run_of_job" if is_of_job else "last_good_run_of_environment"
    place = other if is_of_job else environment
    values = {"place_id": place, "run_id": run.id}
    return find(connection, Run, load_sql("runs_deferral")[name], values) if place else None


def save_deferred(connection: sqlite3.Connection, run_id: int, deferring_run_id: int) -> None:
    """Note what a run is deferred to."""
    values = {"run_id": run_id, "deferring_run_id": deferring_run_id, "now": now_text()}
    connection.execute(load_sql("runs_deferral")["defer_to"], values)


def copy_state(data_folder: Path, run_id: int, folder: Path) -> bool:
    """Copy what a run left into a folder, the newest of each; return whether it left a manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COMPARED:
        found = artifacts_of_steps(data_folder, run_id, name)
        if found:
            shutil.copyfile(found[-1], folder / name)
    return (folder / MANIFEST).is_file()
