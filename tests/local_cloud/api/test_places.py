"""Accounts, projects and environments, in both versions of the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_cloud.api.conftest import ACCOUNT, ENVIRONMENT, PROJECT, Client

ENVIRONMENTS = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}/environments/"
PROJECTS = f"v3/accounts/{ACCOUNT}/projects/"
POSTGRES = {"hostname": "db.example.com", "dbname": "marketing"}
# where things are created, and a body that is right
NEW: dict[str, dict[str, Any]] = {
    PROJECTS: {"name": "x"},
    ENVIRONMENTS: {"name": "x"},
    f"v2/accounts/{ACCOUNT}/jobs/": {
        "name": "x",
        "project_id": PROJECT,
        "environment_id": ENVIRONMENT,
    },
    f"v3/accounts/{ACCOUNT}/connections/": {
        "name": "x",
        "adapter_version": "postgres_v0",
        "config": POSTGRES,
    },
    f"{PROJECTS}{PROJECT}/connections/": {"name": "x", "type": "postgres", "details": POSTGRES},
    f"{PROJECTS}{PROJECT}/credentials/": {"type": "postgres"},
    f"{PROJECTS}{PROJECT}/extended-attributes/": {"extended_attributes": {"a": 1}},
    f"{PROJECTS}{PROJECT}/repositories/": {"remote_url": "https://git.example.com/a/b.git"},
    f"v3/accounts/{ACCOUNT}/groups/": {"name": "x"},
    f"v2/accounts/{ACCOUNT}/notifications/": {"user_id": 7},
    f"v3/accounts/{ACCOUNT}/service-tokens/": {"name": "x"},
}
LISTED = NEW.keys() - {f"{PROJECTS}{PROJECT}/extended-attributes/"}


def test_accounts_are_a_list_that_holds_the_account_of_the_token(client: Client) -> None:
    for version in ("v2", "v3"):
        assert [item["id"] for item in client.get(f"{version}/accounts/").data] == [ACCOUNT]
    assert client.get(f"v2/accounts/{ACCOUNT}").data["run_slots"] >= 1
    assert client.get("v2/whoami/").data["user"]["id"]


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_a_project_is_created_changed_and_deleted(client: Client, version: str) -> None:
    path = f"{version}/accounts/{ACCOUNT}/projects/"
    created = client.post(path, {"name": "P", "dbt_project_subdirectory": "sub", "type": 1})
    assert created.status == 201
    new = f"{path}{created.data['id']}/"
    assert client.post(new, {"description": "d"}).data["name"] == "P"
    assert client.post(new, {"dbt_project_subdirectory": None}).data["description"] == "d"
    assert client.get(new).data["dbt_project_subdirectory"] is None
    assert client.delete(new).data["state"] == 2
    assert client.get(new).status == 404


def test_a_post_with_state_2_deletes_a_project(client: Client) -> None:
    new = f"{PROJECTS}{client.post(PROJECTS, {'name': 'P'}).data['id']}/"
    assert client.post(new, {"state": 2}).data["state"] == 2
    assert client.get(new).status == 404


def test_what_belongs_to_a_project_is_deleted_with_it(client: Client) -> None:
    project_id = client.post(PROJECTS, {"name": "P"}).data["id"]
    of_account, of_project = f"v3/accounts/{ACCOUNT}", f"{PROJECTS}{project_id}"
    credentials = {"type": "postgres", "username": "dbt"}
    made = client.post(f"{of_project}/credentials/", credentials).data
    environment = client.post(f"{of_project}/environments/", {"name": "E"}).data
    variable = {"name": "DBT_A", "raw_value": "1", "environment_id": environment["id"]}
    client.post(f"{of_project}/environment-variables/", variable)
    assert client.delete(f"{of_project}/").data["state"] == 2
    for path in (
        f"{of_account}/environments/{environment['id']}/",
        f"v2/accounts/{ACCOUNT}/environments/{environment['id']}/",
        f"{of_project}/environments/",
        f"{of_project}/credentials/{made['id']}/",
        f"{of_project}/environment-variables/environment/",
    ):
        assert client.get(path).status == 404, path
    environments = f"{of_account}/environments/?project_id={project_id}"
    assert client.get(environments).data == []
    deleted = client.get(f"{environments}&state=deleted").data
    assert [item["id"] for item in deleted] == [environment["id"]]
    body = {"name": "x", "project_id": project_id, "environment_id": environment["id"]}
    assert client.post(f"v2/accounts/{ACCOUNT}/jobs/", body).status == 400
    assert client.post(f"{of_account}/environments/", body).status == 404
    assert client.get(f"{PROJECTS}{PROJECT}/environments/{ENVIRONMENT}/").status == 200


@pytest.mark.parametrize(("path", "body"), NEW.items(), ids=NEW)
def test_nothing_is_created_deleted(client: Client, path: str, body: dict[str, Any]) -> None:
    count = len(client.get(f"{path}?state=all").data) if path in LISTED else 0
    refused = client.post(path, {**body, "state": 2})
    assert (refused.status, refused.data) == (
        400,
        {"state": "expected 1: nothing is created deleted"},
    )
    assert client.post(path, {**body, "state": 1}).status == 201
    if path in LISTED:
        assert len(client.get(f"{path}?state=all").data) == count + 1


@pytest.mark.parametrize("subdirectory", ["../x", "/etc", "a/../../b", "..\\x", 7])
def test_a_project_stays_inside_its_folder(client: Client, subdirectory: Any) -> None:
    body = {"name": "P", "dbt_project_subdirectory": subdirectory}
    reply = client.post(PROJECTS, body)
    assert reply.status == 400
    assert "dbt_project_subdirectory" in reply.data


def test_projects_are_found_by_part_of_their_name(client: Client) -> None:
    projects = f"v3/accounts/{ACCOUNT}/projects/"
    assert client.get(f"{projects}?pk__gt={PROJECT}").data == []
    assert len(client.get(f"{projects}?pk__gt=1").data) == 1
    client.post(PROJECTS, {"name": "Zebra"})
    query = '?name__icontains=zeb&limit=100&order_by=name&include_related=["repository"]'
    reply = client.get(PROJECTS + query)
    assert [item["name"] for item in reply.data] == ["Zebra"]
    assert reply.json["extra"]["filters"]["limit"] == 100
    one = client.get(f"{PROJECTS}{PROJECT}/?include_related=[freshness_job_id,docs_job_id]")
    assert one.data["id"] == PROJECT


def test_an_environment_has_no_lists_in_version_3(client: Client) -> None:
    for path in (ENVIRONMENTS, f"v3/accounts/{ACCOUNT}/environments/"):
        found = client.get(f"{path}{ENVIRONMENT}/").data
        assert found["jobs"] is None
        assert found["custom_environment_variables"] is None
        assert found["project_id"] == PROJECT
    assert client.get(f"v2/accounts/{ACCOUNT}/environments/{ENVIRONMENT}").data["id"] == ENVIRONMENT


def test_a_post_replaces_an_environment(client: Client) -> None:
    credentials = client.post(f"{PROJECTS}{PROJECT}/credentials/", {"type": "postgres"}).data
    body = {
        "name": "E",
        "deployment_type": "staging",
        "credentials_id": credentials["id"],
        "use_custom_branch": True,
        "custom_branch": "main",
        "type": "deployment",
        "dbt_version": "1.12.0",
        "project": {"id": 0},
        "created_at": "2026-01-01T00:00:00Z",
    }
    created = client.post(ENVIRONMENTS, body)
    assert created.status == 201
    assert created.data["deployment_type"] == "staging"
    assert created.data["credentials_id"] == credentials["id"]
    path = f"{ENVIRONMENTS}{created.data['id']}/"
    replaced = client.post(path, {"name": "E2", "type": "deployment"}).data
    assert replaced["name"] == "E2"
    for name in ("deployment_type", "credentials_id", "custom_branch"):
        assert replaced[name] is None
    assert replaced["use_custom_branch"] is False
    assert client.delete(path).data["state"] == 2
    assert client.get(path).status == 404


def test_an_environment_with_jobs_is_kept(client: Client) -> None:
    client.create_job()
    path = f"{ENVIRONMENTS}{ENVIRONMENT}/"
    assert client.delete(path).status == 400
    assert client.post(path, {"name": "x", "state": 2}).status == 400
    assert client.get(path).status == 200


def test_environments_are_filtered(client: Client) -> None:
    client.post(ENVIRONMENTS, {"name": "Staging", "deployment_type": "staging"})
    path = f"v3/accounts/{ACCOUNT}/environments/"
    assert len(client.get(f"{path}?project_id={PROJECT}").data) == 2
    assert client.get(f"{path}?project_id=7").data == []
    made = client.post(f"{PROJECTS}{PROJECT}/credentials/", {"type": "postgres"}).data["id"]
    client.post(ENVIRONMENTS, {"name": "Old", "dbt_version": "1.8.0", "credentials_id": made})
    for query, expected in (
        ("deployment_type=staging", ["Staging"]),
        ('deployment_type__in=["staging"]', ["Staging"]),
        ("dbt_version=1.8.0", ["Old"]),
        ('dbt_version__in=["1.8.0","1.9.0"]', ["Old"]),
        (f"credentials_id={made}", ["Old"]),
        (f"credentials_id={made + 1}", []),
        (f"id__gt={ENVIRONMENT}", ["Staging", "Old"]),
    ):
        assert [item["name"] for item in client.get(f"{path}?{query}").data] == expected, query
    assert client.get(f"{path}?pk__in=[{ENVIRONMENT}]").json["extra"]["pagination"]["count"] == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": ""},
        {"name": "x", "type": "other"},
        {"name": "x", "deployment_type": "qa"},
        {"name": "x", "use_custom_branch": 1},
        {"name": "x", "connection_id": "a"},
    ],
)
def test_a_wrong_environment_is_refused(client: Client, fields: dict[str, Any]) -> None:
    assert client.post(ENVIRONMENTS, fields).status == 400


@pytest.mark.parametrize("project_id", [None, True, 1.0, "1", 10**30, -(10**30)])
def test_an_environment_of_the_account_needs_the_id_of_a_project(
    client: Client, project_id: Any
) -> None:
    path = f"v3/accounts/{ACCOUNT}/environments/"
    reply = client.post(path, {"name": "x", "project_id": project_id})
    assert (reply.status, list(reply.data)) == (400, ["project_id"])


def test_the_state_of_an_environment_is_a_whole_number_or_left_as_it_is(client: Client) -> None:
    path = f"{ENVIRONMENTS}{ENVIRONMENT}/"
    assert client.post(path, {"name": "x", "state": 1.0}).status == 400
    assert client.post(path, {"name": "x", "state": None}).data["state"] == 1


def test_an_environment_is_not_found_under_another_project(client: Client) -> None:
    other = client.post(PROJECTS, {"name": "other"}).data["id"]
    path = f"v3/accounts/{ACCOUNT}/projects/{other}/environments/{ENVIRONMENT}/"
    assert client.get(path).status == 404
    assert client.get(f"v3/accounts/{ACCOUNT}/projects/99/environments/").status == 404


def test_a_project_with_jobs_is_kept(client: Client) -> None:
    client.create_job()
    path = f"{PROJECTS}{PROJECT}/"
    assert client.delete(path).status == 400
    assert client.post(path, {"state": 2}).status == 400
    assert client.get(path).status == 200
