"""Airflow's provider for dbt Cloud without a scheduler: hook, operators, sensor and triggers.

`execute` is called with a context that has what the operators use of it. Prints what came of it.
"""

import asyncio
import json
import sys
from types import SimpleNamespace

from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook, DbtCloudJobRunException
from airflow.providers.dbt.cloud.operators.dbt import (
    DbtCloudGetJobRunArtifactOperator,
    DbtCloudListJobsOperator,
    DbtCloudRunJobOperator,
)
from airflow.providers.dbt.cloud.sensors.dbt import DbtCloudJobRunSensor
from airflow.sdk import DAG
from airflow.sdk.exceptions import TaskDeferred

good, failing, slow = (int(text) for text in sys.argv[1:])
hook = DbtCloudHook()
dag = DAG("shop")
pushed = {}


def context(try_number=1):
    """Return what the operators ask of a task instance."""
    told = SimpleNamespace(
        try_number=try_number, xcom_push=lambda key, value: pushed.update({key: value})
    )
    return {"ti": told}


def operator(name, **options):
    """Return the operator that runs a job."""
    return DbtCloudRunJobOperator(task_id=name, dag=dag, check_interval=1, **options)


def failure_of(task, **options):
    """Return why a task failed."""
    try:
        task.execute(context(**options))
    except DbtCloudJobRunException as error:
        return str(error)
    raise AssertionError(f"{task.task_id} did not fail")


def deferred(task, given=None):
    """Return what a task gives that hands itself to the triggerer, as the triggerer runs it."""
    try:
        return task.execute(given or context())
    except TaskDeferred as waiting:

        async def first_event():
            return await anext(aiter(waiting.trigger.run()))

        event = asyncio.run(first_event()).payload
        return getattr(task, waiting.method_name)(context(), event)


found = {
    "connection": hook.test_connection(),
    "account": hook.get_account().json()["data"]["id"],
    "projects": [one["id"] for page in hook.list_projects() for one in page.json()["data"]],
    "jobs": DbtCloudListJobsOperator(task_id="jobs").execute(context()),
    "waited": operator("waited", job_id=good).execute(context()),
    "pushed": dict(pushed),
    "by name": operator(
        "named",
        project_name="Marketing",
        environment_name="Development",
        job_name="airflow good",
        deferrable=True,
    ),
}
found["by name"] = deferred(found["by name"])
found["environments"] = [
    one["id"]
    for page in hook.list_environments(project_id=found["projects"][0])
    for one in page.json()["data"]
]

started = operator("started", job_id=good, wait_for_termination=False).execute(context())
sensor = {"run_id": started, "poke_interval": 1, "timeout": 300}
DbtCloudJobRunSensor(task_id="sensor", **sensor).execute(context())
DbtCloudJobRunSensor(task_id="later", deferrable=True, **sensor).execute(context())
found["started"] = [started, hook.get_job_run_status(started)]

found["failed"] = failure_of(operator("failed", job_id=failing))
again = operator("again", job_id=failing, retry_from_failure=True)
found["retried"] = failure_of(again, try_number=2)
found["deferred failure"] = ""
try:
    deferred(operator("deferred-failure", job_id=failing, deferrable=True))
except DbtCloudJobRunException as error:
    found["deferred failure"] = str(error)

running = operator("running", job_id=slow, wait_for_termination=False).execute(context())
reused = operator("reused", job_id=slow, reuse_existing_run=True, wait_for_termination=False)
found["reused"] = [running, reused.execute(context())]
waiting = operator("waiting", job_id=slow, reuse_existing_run=True)
waiting.run_id = running
waiting.on_kill()
found["killed"] = hook.get_job_run_status(running)

run = {"run_id": found["waited"], "path": "run_results.json"}
found["artifact"] = DbtCloudGetJobRunArtifactOperator(
    task_id="artifact", output_file_name="run_results.json", **run
).execute(context())
found["artifacts"] = hook.list_job_run_artifacts(run_id=found["waited"]).json()["data"]
together = asyncio.run(
    hook.get_job_run_artifacts_concurrently(
        run_id=found["waited"], artifacts=["manifest.json", "run_results.json"]
    )
)
found["together"] = sorted(together)
print("\n" + json.dumps(found))
