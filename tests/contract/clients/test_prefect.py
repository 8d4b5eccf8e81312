"""prefect-dbt 0.7 over https: a flow triggers, waits, fetches results and retries failed steps."""

import json
from urllib.error import HTTPError

import pytest

from .shop import BUILD, statuses_of

pytestmark = [pytest.mark.clients]


def test_a_flow_runs_jobs_and_retries_the_failed_step(run_client, cloud, bare, tmp_path):
    good = cloud.make_job("prefect good")
    failing = cloud.make_job("prefect fails", [BUILD, "dbt run --select fragile"])
    settings = {
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    said = run_client("prefect-dbt", "prefect_client.py", good, failing, **settings)
    found = json.loads(said.splitlines()[-1])
    run = cloud.check_built(good, bare, count=2)
    assert cloud.rows() == bare.rows
    assert found["info"] == "prefect good"
    assert found["good"]["status_humanized"] == "Success"
    assert found["waited"]["id"] == run["id"]
    assert "run_results.json" in found["waited"]["artifact_paths"]
    assert found["failed"].startswith("DbtCloudJobRunFailed")
    first, again = cloud.runs_of(failing)
    assert (first["status"], again["status"]) == (20, 20)
    # prefect names the nodes that failed: what had been built is not built again
    tried = statuses_of(cloud.artifact(again["id"], "run_results.json"))
    assert tried == {"model.shop.fragile": "error"}
    with pytest.raises(HTTPError, match="404"):
        cloud.ask("GET", f"v2/{{account}}/jobs/{found['made']}/")
