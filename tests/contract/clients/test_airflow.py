"""Airflow's provider 4.11 over https: hook, operators in every mode, sensors, and a whole DAG."""

import json

import pytest

from .shop import BUILD

pytestmark = [pytest.mark.clients]
AIRFLOW = "airflow-dbt-cloud"


@pytest.fixture(scope="module")
def settings(cloud, tmp_path_factory):
    """Return the settings of an Airflow with a connection to the server."""
    served, home = cloud.served, tmp_path_factory.mktemp("airflow")
    connection = {
        "conn_type": "dbt_cloud",
        "host": cloud.host,
        "login": str(served.account_id),
        "password": served.token,
    }
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_DBT_CLOUD_DEFAULT": json.dumps(connection),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }


def test_operators_and_sensors_do_what_their_modes_say(run_client, cloud, bare, settings):
    good = cloud.make_job("airflow good")
    failing = cloud.make_job("airflow fails", [BUILD, "dbt run --select fragile"])
    slow = cloud.make_job("airflow slow", ["dbt run --select tag:slow"])
    said = run_client(AIRFLOW, "airflow_client.py", good, failing, slow, **settings)
    found = json.loads(said.splitlines()[-1])
    assert found["connection"] == [True, "Successfully connected to dbt Cloud."]
    assert found["account"] == cloud.served.account_id
    assert found["projects"] == [cloud.served.project_id]
    assert found["environments"] == [cloud.served.environment_id]
    assert {good, failing, slow} <= set(found["jobs"])

    run = cloud.check_built(good, bare, count=3)
    runs = [found["waited"], found["by name"], found["started"][0]]
    assert runs == [one["id"] for one in cloud.runs_of(good)]
    assert found["started"] == [run["id"], 10]
    assert found["pushed"]["job_run_id"] == found["waited"]
    assert str(found["waited"]) in found["pushed"]["job_run_url"]
    assert cloud.rows() == bare.rows
    assert {"manifest.json", "run_results.json"} <= set(found["artifacts"])
    assert found["together"] == ["manifest.json", "run_results.json"]

    first, again, third = cloud.runs_of(failing)
    ended = "Job run {} reached terminal status ERROR"
    for word, run, words in (
        ("failed", first, ended),
        ("retried", again, ended),
        ("deferred failure", third, "Job run {} has failed"),
    ):
        assert words.format(run["id"]) in found[word]
    # the retry began with the step that had failed: the build before it was not run again
    commands = [step["name"] for step in steps_of(cloud, again)]
    assert "dbt build" not in " ".join(commands)
    assert found["reused"][0] == found["reused"][1]
    assert found["killed"] == 30


def steps_of(cloud, run):
    """Return the steps of a run."""
    path = f"v2/{{account}}/runs/{run['id']}/?include_related=run_steps"
    return cloud.ask("GET", path)["run_steps"]
