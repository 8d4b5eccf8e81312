"""dagster-dbt: assets out of a project of dbt Cloud, materialised by runs of it."""

import json
import os

from dagster import AssetExecutionContext, materialize
from dagster_dbt.cloud_v2.asset_decorator import dbt_cloud_assets
from dagster_dbt.cloud_v2.resources import DbtCloudCredentials, DbtCloudWorkspace

workspace = DbtCloudWorkspace(
    credentials=DbtCloudCredentials(
        account_id=int(os.environ["DBT_CLOUD_ACCOUNT_ID"]),
        access_url=os.environ["DBTCLOUD_HOST_URL"],
        token=os.environ["DBT_CLOUD_API_TOKEN"],
    ),
    project_id=int(os.environ["PROJECT_ID"]),
    environment_id=int(os.environ["ENVIRONMENT_ID"]),
)


@dbt_cloud_assets(workspace=workspace, exclude="tag:slow tag:fragile")
def shop(context: AssetExecutionContext, dbt_cloud: DbtCloudWorkspace):
    """Build what is selected."""
    yield from dbt_cloud.cli(args=["build"], context=context).wait()


done = materialize([shop], resources={"dbt_cloud": workspace}, raise_on_error=False)
events = done.get_asset_materialization_events()
checks = done.get_asset_check_evaluations()
urls = {str(event.materialization.metadata["run_url"].value) for event in events}
print(
    "\n"
    + json.dumps(
        {
            "success": done.success,
            "assets": sorted(event.asset_key.to_user_string() for event in events),
            "checks": {check.check_name: check.passed for check in checks},
            "urls": sorted(urls),
        }
    )
)
