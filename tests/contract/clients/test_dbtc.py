"""dbtc 0.11.7 over https: it triggers, polls, retries from failure and reads artifacts."""

import json

import pytest

from .shop import BUILD

pytestmark = [pytest.mark.clients]
FRAGILE = "dbt run --select fragile"


def test_jobs_run_and_their_artifacts_are_those_of_dbt(run_client, cloud, bare):
    found = json.loads(run_client("dbtc", "dbtc_client.py", BUILD, FRAGILE))
    served = cloud.served
    assert found["accounts"] == [served.account_id]
    assert found["projects"] == [served.project_id]
    assert found["by name"] == served.project_id
    assert found["environments"] == [served.environment_id]
    assert found["users"] == [found["user"]]

    run = cloud.check_built(found["job"], bare)
    assert (found["run"], found["status"]) == (run["id"], 10)
    assert found["recent"] == run["id"]
    assert found["runs"] == [run["id"]]
    assert found["job"] in found["jobs"]
    assert found["results"] == found["newest"] == cloud.artifact(run["id"], "run_results.json")
    assert {"manifest.json", "run_results.json"} <= set(found["artifacts"])
    assert cloud.rows() == bare.rows

    # two a page: dbtc goes on to the next one by itself
    models = {edge["node"]["uniqueId"] for edge in found["models"]}
    assert models == {name for name in bare.manifest["nodes"] if name.startswith("model.")}
    failing, *statuses = found["failing"]
    assert statuses == [20, 20]
    first, again = cloud.runs_of(failing)
    # the second began where the first had failed
    assert again["trigger"]["steps_override"] if again["trigger"] else again["retrying_run_id"]
    assert first["id"] < again["id"]
    slim, slim_run, status = found["slim"]
    assert status == 10
    assert [run["id"] for run in cloud.runs_of(slim)] == [slim_run]
    assert cloud.ask("GET", f"v2/{{account}}/jobs/{found['job']}/")["name"] == "renamed"
    assert (found["made"], found["gone"], found["deleted"]) == ("dbtc", 2, 2)
