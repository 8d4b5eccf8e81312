"""Artifact operations: list the files of a run, send one as it is."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import FileResponse, Response

from marketing_analytics.local_cloud.api.answers import JSON, not_found, one
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.jobs.views import stored_job
from marketing_analytics.local_cloud.api.runs.handlers import stored_run
from marketing_analytics.local_cloud.runs import artifacts, store
from marketing_analytics.local_cloud.runs.records import Run


def list_artifacts(call: Call) -> Response:
    """List the files of a step, of the last one by default; paths are relative to target/."""
    run = stored_run(call)
    return one(artifacts.list_artifacts(call.data_dir, run.id, call.number("step")))


def read_artifact(call: Call) -> Response:
    """Send a file of a run, without an envelope."""
    return send(call, stored_run(call))


def read_job_artifact(call: Call) -> Response:
    """Send a file of the newest run of a job that has artifacts."""
    job = stored_job(call, call.id_of("job_id"))
    run = store.last_run_with_artifacts(call.connection, job.id)
    if run is None:
        raise not_found()
    return send(call, run)


def send(call: Call, run: Run) -> Response:
    """Return the answer that streams a file. Raise a 404 when it is not there."""
    path = artifacts.resolve_artifact(call.data_dir, run.id, call.rest, call.number("step"))
    if path is None:
        raise not_found()
    return FileResponse(
        path,
        media_type=media_type_of(path),
        filename=path.name,
        # a browser saves it and never runs it
        headers={"content-security-policy": "sandbox"},
    )


def media_type_of(path: Path) -> str:
    """Return JSON for JSON, and a type that is shown nowhere for everything else."""
    if path.suffix == ".json":
        return JSON
    is_text = path.suffix in (".sql", ".log", ".txt")
    return "text/plain" if is_text else "application/octet-stream"
