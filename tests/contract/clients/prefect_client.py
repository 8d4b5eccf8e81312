"""prefect-dbt in a flow: a job that succeeds, and one that is retried from the failed step on."""

import asyncio
import json
import os
import sys

from prefect import flow
from prefect_dbt.cloud import DbtCloudCredentials, DbtCloudJob
from prefect_dbt.cloud.jobs import (
    create_dbt_cloud_job,
    delete_dbt_cloud_job,
    get_dbt_cloud_job_info,
    run_dbt_cloud_job,
    trigger_dbt_cloud_job_run_and_wait_for_completion,
)
from prefect_dbt.cloud.models import TriggerJobRunOptions

good, failing = (int(text) for text in sys.argv[1:])
credentials = DbtCloudCredentials(
    api_key=os.environ["DBT_CLOUD_API_TOKEN"],
    account_id=int(os.environ["DBT_CLOUD_ACCOUNT_ID"]),
    domain=os.environ["DBT_CLOUD_HOST"],
)


def block(job_id):
    """Return the block of a job."""
    return DbtCloudJob(
        dbt_cloud_credentials=credentials, job_id=job_id, interval_seconds=1, timeout_seconds=300
    )


@flow
async def morning():
    """Run a job, run it with changes, and run one that fails twice."""
    found = {"info": (await get_dbt_cloud_job_info(credentials, good))["name"]}
    found["good"] = await run_dbt_cloud_job(block(good), create_assets=True)
    found["waited"] = await trigger_dbt_cloud_job_run_and_wait_for_completion(
        credentials,
        good,
        trigger_job_run_options=TriggerJobRunOptions(threads_override=2),
        poll_frequency_seconds=1,
    )
    try:
        # the retries of `run_dbt_cloud_job` ask for a run without its steps, and find none
        await trigger_dbt_cloud_job_run_and_wait_for_completion(
            credentials, failing, retry_filtered_models_attempts=1, poll_frequency_seconds=1
        )
    except Exception as error:
        found["failed"] = f"{type(error).__name__}: {error}"
    made = await create_dbt_cloud_job(
        credentials,
        project_id=int(os.environ["PROJECT_ID"]),
        environment_id=int(os.environ["ENVIRONMENT_ID"]),
        name="made by prefect",
        execute_steps=["dbt parse"],
    )
    found["made"] = made["id"]
    await delete_dbt_cloud_job(credentials, made["id"])
    return found


print("\n" + json.dumps(asyncio.run(morning())))
