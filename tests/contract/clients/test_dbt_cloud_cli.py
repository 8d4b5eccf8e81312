"""dbt-cloud-cli 0.9.1 over https: every command but the demo and those that ask for a terminal."""

import json

import pytest

from .shop import BUILD

pytestmark = [pytest.mark.clients]
SLOW = "dbt run --select tag:slow"


@pytest.fixture(scope="module")
def tool(run_client):
    """Return a function that runs a command and returns the data it printed."""

    def run(*words, **options):
        said = run_client("dbt-cloud-cli", "dbt-cloud", *words, **options)
        return json.loads(said) if said.strip() else None

    return run


def test_a_job_is_made_run_exported_imported_and_deleted(tool, run_client, cloud, bare):
    steps = json.dumps([BUILD])
    made = tool("job", "create", "--name", "cli", "--execute-steps", steps, "--job-type", "other")
    job_id = made["data"]["id"]
    ran = tool("job", "run", "--job-id", job_id, "--cause", "by hand", "--wait")
    run = cloud.check_built(job_id, bare)
    assert ran["data"]["id"] == run["id"]
    assert cloud.rows() == bare.rows
    assert tool("run", "get", "--run-id", run["id"])["data"]["status"] == 10
    query = f"{{ job(id: {job_id}) {{ runId models {{ uniqueId status }} }} }}"
    told = tool("metadata", "query", given=query)["data"]["job"]
    assert told["runId"] == run["id"]
    went = {one["uniqueId"]: one["status"] for one in told["models"] if one["status"]}
    models = {name for name in bare.statuses if name.startswith("model.")}
    assert went == {name: bare.statuses[name] for name in models}
    names = tool("run", "list-artifacts", "--run-id", run["id"])["data"]
    assert "run_results.json" in names
    told = ("--run-id", run["id"], "--path", "run_results.json")
    assert tool("run", "get-artifact", *told) == cloud.artifact(run["id"], "run_results.json")

    exported = run_client("dbt-cloud-cli", "dbt-cloud", "job", "export", "--job-id", job_id)
    again = tool("job", "import", given=exported)["data"]
    assert (again["name"], again["execute_steps"]) == ("cli", [BUILD])
    assert again["id"] != job_id
    listed = {job["id"] for job in tool("job", "list")["data"]}
    assert {job_id, again["id"]} <= listed
    assert tool("job", "get", "--job-id", job_id)["data"]["name"] == "cli"
    assert tool("job", "delete", "--job-id", job_id)["data"]["state"] == 2
    kept = sorted(listed - {again["id"]})
    gone = tool("job", "delete-all", "--yes", "--keep-jobs", json.dumps(kept))
    assert [one["data"]["id"] for one in gone] == [again["id"]]


def test_a_failed_run_ends_with_an_exit_code_and_a_running_one_is_cancelled(tool, cloud):
    failing = cloud.make_job("cli fails", ["dbt run --select fragile"])
    ended = tool("job", "run", "--job-id", failing, "--wait", code=1)
    assert ended["data"]["status"] == 20
    slow = cloud.make_job("cli slow", [SLOW])
    first, second = (tool("job", "run", "--job-id", slow)["data"]["id"] for _ in range(2))
    assert tool("run", "cancel", "--run-id", second)["data"]["status"] == 30
    tool("run", "cancel-all", "--job-id", slow, "--yes")
    pages = tool("run", "list", "--job-id", slow, "--paginate")
    assert {run["id"] for run in pages["data"]} == {first, second}


def test_places_are_made_listed_and_deleted(tool, cloud):
    served = cloud.served
    [account] = tool("account", "list")["data"]
    assert account["id"] == served.account_id
    assert tool("account", "get")["data"]["name"] == "Local"
    project = tool("project", "create", "--name", "cli project", "--type", 0)["data"]["id"]
    place = ("--project-id", project)
    assert project in [one["id"] for one in tool("project", "list")["data"]]
    tool("project", "update", *place, "--name", "renamed", "--type", 0)
    assert tool("project", "get", *place)["data"]["name"] == "renamed"
    asked = ("--name", "cli", "--type", "deployment", "--deployment-type", "staging")
    made = tool("environment", "create", *place, *asked)["data"]
    assert (made["name"], made["deployment_type"]) == ("cli", "staging")
    one = (*place, "--environment-id", made["id"])
    assert tool("environment", "get", *one)["data"]["id"] == made["id"]
    assert [one["id"] for one in tool("environment", "list", *place)["data"]] == [made["id"]]
    assert tool("environment", "delete", *one)["data"]["state"] == 2
    assert tool("project", "delete", *place)["data"]["state"] == 2
    logged = tool("audit-log", "get")["data"]
    assert logged


def test_connections_are_made_by_the_older_operations(tool):
    asked = ("--name", "cli", "--type", "postgres", "--hostname", "db.example.com")
    made = tool("connection", "create", *asked, "--port", "5432", "--dbname", "shop")["data"]
    assert (made["type"], made["details"]["dbname"]) == ("postgres", "shop")
    one = ("--connection-id", made["id"])
    assert tool("connection", "get", *one)["data"] == made
    assert made["id"] in [one["id"] for one in tool("connection", "list")["data"]]
    assert tool("connection", "delete", *one)["data"]["state"] == 2
