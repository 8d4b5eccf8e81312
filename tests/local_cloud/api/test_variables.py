"""Environment variables: by environment, by job, in bulk, secret ones masked."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from marketing_analytics.local_cloud.store.connection import open_connection
from marketing_analytics.local_cloud.store.variables import list_project_variables
from tests.local_cloud.api.conftest import ACCOUNT, ENVIRONMENT, PROJECT, Client, jobs_path

PATH = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}/environment-variables/"
ENVIRONMENT_NAME = "Development"


def bulk(client: Client, name: str, **values: str) -> Any:
    return client.post(f"{PATH}bulk/", {"env_var": {"new_name": name, **values}})


def test_bulk_creates_values_by_environment_name(client: Client) -> None:
    reply = bulk(client, "DBT_X", project="a", Development="b")
    assert reply.status == 201
    assert isinstance(reply.data["message"], str)
    ids = reply.data["new_var_ids"]
    assert len(ids) == 2
    listed = client.get(f"{PATH}environment/").data
    assert listed["environments"] == ["project", ENVIRONMENT_NAME]
    assert listed["variables"] == {
        "DBT_X": {
            "project": {"id": ids[0], "value": "a"},
            ENVIRONMENT_NAME: {"id": ids[1], "value": "b"},
        }
    }


def test_a_name_that_exists_is_refused_with_the_known_reason(client: Client) -> None:
    bulk(client, "DBT_X", project="a")
    reply = bulk(client, "DBT_X", project="b")
    assert reply.status == 400
    assert reply.data["reason"] == (
        "An environment variable by this name already exists in this project and account"
    )


def test_bulk_update_changes_adds_and_deletes(client: Client) -> None:
    (first,) = bulk(client, "DBT_X", project="a").data["new_var_ids"]
    body = {"env_vars": {"name": "DBT_X", str(first): "c", ENVIRONMENT_NAME: "d"}}
    reply = client.put(f"{PATH}bulk/", body)
    assert reply.status == 200
    (second,) = reply.data["new_var_ids"]
    values = client.get(f"{PATH}environment/").data["variables"]["DBT_X"]
    assert values["project"]["value"] == "c"
    assert values[ENVIRONMENT_NAME] == {"id": second, "value": "d"}
    body = {"env_vars": {"name": "DBT_X", str(first): "", ENVIRONMENT_NAME: None}}
    assert sorted(client.put(f"{PATH}bulk/", body).data["deleted_var_ids"]) == [first, second]
    assert client.get(f"{PATH}environment/").data["variables"] == {}


def test_bulk_update_renames(client: Client) -> None:
    bulk(client, "DBT_X", project="a")
    body = {"env_vars": {"name": "DBT_X", "new_name": "DBT_Y"}}
    assert client.put(f"{PATH}bulk/", body).status == 200
    assert set(client.get(f"{PATH}environment/").data["variables"]) == {"DBT_Y"}


def test_bulk_delete_takes_the_name_from_its_body(client: Client) -> None:
    bulk(client, "DBT_X", project="a", Development="b")
    assert client.delete(f"{PATH}bulk/", {"name": "DBT_X"}).status == 200
    assert client.get(f"{PATH}environment/").data["variables"] == {}
    assert client.delete(f"{PATH}bulk/", {"name": "DBT_X"}).status == 404
    assert client.delete(f"{PATH}bulk/", {}).status == 400


def test_a_job_sees_project_environment_and_its_own_values(client: Client) -> None:
    bulk(client, "DBT_X", project="a", Development="b")
    job = client.create_job()
    other = client.create_job(name="other")
    body = {
        "id": None,
        "account_id": ACCOUNT,
        "project_id": PROJECT,
        "job_definition_id": job["id"],
        "name": "DBT_X",
        "type": "job",
        "raw_value": "j",
        "display_value": "j",
    }
    created = client.post(PATH, body)
    assert created.status == 201
    assert created.data["display_value"] == "j"
    assert created.data["job_definition_id"] == job["id"]
    seen = client.get(f"{PATH}job/?job_definition_id={job['id']}").data
    assert {scope: item["value"] for scope, item in seen["DBT_X"].items()} == {
        "project": "a",
        "environment": "b",
        "job": "j",
    }
    assert "job" not in client.get(f"{PATH}job/?job_definition_id={other['id']}").data["DBT_X"]
    variable = f"{PATH}{created.data['id']}/"
    assert client.post(variable, {**body, "raw_value": "k"}).data["display_value"] == "k"
    assert client.delete(variable).data["state"] == 2
    assert client.delete(variable).status == 404


def test_secrets_are_masked_and_a_mask_sent_back_changes_nothing(client: Client) -> None:
    (first,) = bulk(client, "DBT_ENV_SECRET_KEY", project="hidden").data["new_var_ids"]
    listed = client.get(f"{PATH}environment/")
    assert b"hidden" not in listed.body
    assert listed.data["variables"]["DBT_ENV_SECRET_KEY"]["project"]["value"] == "**********"
    body = {"env_vars": {"name": "DBT_ENV_SECRET_KEY", str(first): "**********"}}
    assert client.put(f"{PATH}bulk/", body).status == 200
    assert stored_values(client) == ["hidden"]


def stored_values(client: Client) -> list[str]:
    with closing(open_connection(client.settings.store)) as connection:
        return [found.value for found in list_project_variables(connection, PROJECT)]


def test_a_secret_is_not_shown_under_another_name(client: Client) -> None:
    bulk(client, "DBT_ENV_SECRET_OLD", project="hidden")
    body = {"env_vars": {"name": "DBT_ENV_SECRET_OLD", "new_name": "DBT_SHOWN"}}
    refused = client.put(f"{PATH}bulk/", body)
    assert (refused.status, "DBT_ENV_SECRET" in str(refused.data)) == (400, True)
    assert b"hidden" not in client.get(f"{PATH}environment/").body


@pytest.mark.parametrize("name", ["X", "dbt_x", "DBT_", "DBT_x", "DBT_X Y", "", 7, None])
def test_a_name_must_start_with_dbt_in_upper_case(client: Client, name: Any) -> None:
    assert (
        client.post(f"{PATH}bulk/", {"env_var": {"new_name": name, "project": "a"}}).status == 400
    )


def test_an_unknown_environment_or_job_is_refused(client: Client) -> None:
    assert bulk(client, "DBT_X", Nowhere="a").status == 400
    assert client.get(f"{PATH}job/?job_definition_id=99").status == 404
    assert (
        client.post(PATH, {"name": "DBT_X", "job_definition_id": 99, "raw_value": "a"}).status
        == 400
    )
    body = {"name": "DBT_X", "environment_id": ENVIRONMENT + 1, "raw_value": "a"}
    assert client.post(PATH, body).status == 400


@pytest.mark.parametrize("kind", ["user", "job", "environment"])
def test_a_value_is_not_put_elsewhere_than_its_type_says(client: Client, kind: str) -> None:
    body = {"name": "DBT_MINE", "raw_value": "v", "type": kind}
    reply = client.post(PATH, body)
    assert (reply.status, list(reply.data)) == (400, ["type"])
    assert client.get(f"{PATH}environment/").data["variables"] == {}


@pytest.mark.parametrize("name", ["project", ENVIRONMENT_NAME])
def test_a_name_of_several_environments_is_no_place_of_a_value(client: Client, name: str) -> None:
    client.post(PATH.replace("environment-variables", "environments"), {"name": name})
    assert bulk(client, "DBT_X", **{name: "a"}).data == {
        "env_var": {name: "several environments have this name; write to one by its id"}
    }
    other = ENVIRONMENT_NAME if name == "project" else "project"
    assert bulk(client, "DBT_X", **{other: "a"}).status == 201
    assert client.put(f"{PATH}bulk/", {"env_vars": {"name": "DBT_X", name: "b"}}).status == 400
    place = {"name": "DBT_X", "raw_value": "c"} | (
        {} if name == "project" else {"environment_id": ENVIRONMENT}
    )
    assert client.post(PATH, place).status == 201


def test_no_value_holds_a_nul(client: Client) -> None:
    client.post(f"{PATH}bulk/", {"env_var": {"new_name": "DBT_X", "project": "a"}})
    changed = {"env_vars": {"name": "DBT_X", "project": "a\0b"}}
    assert client.put(f"{PATH}bulk/", changed).status == 400


def test_a_job_that_moves_takes_its_values_along(client: Client) -> None:
    job = client.create_job()
    value = {"name": "DBT_X", "raw_value": "a", "job_definition_id": job["id"], "type": "job"}
    client.post(PATH, value)
    projects = f"v3/accounts/{ACCOUNT}/projects/"
    project = client.post(projects, {"name": "Other"}).data["id"]
    environment = client.post(f"{projects}{project}/environments/", {"name": "E"}).data["id"]
    place = {"project_id": project, "environment_id": environment}
    assert client.post(jobs_path(job["id"]), place).status == 200
    path = f"{projects}{project}/environment-variables/job/?job_definition_id={job['id']}"
    assert client.get(path).data["DBT_X"]["job"]["value"] == "a"
    assert client.get(f"{PATH}environment/").data["variables"] == {}


def test_a_deleted_job_takes_its_values_along(client: Client) -> None:
    job = client.create_job()
    body = {"name": "DBT_X", "job_definition_id": job["id"], "raw_value": "a"}
    client.post(PATH, body)
    client.delete(jobs_path(job["id"]))
    assert stored_values(client) == []


def test_a_name_that_only_a_job_sets_is_listed_as_taken(client: Client) -> None:
    job = client.create_job()
    client.post(PATH, {"name": "DBT_X", "job_definition_id": job["id"], "raw_value": "a"})
    assert client.get(f"{PATH}environment/").data["variables"] == {"DBT_X": {}}
    assert bulk(client, "DBT_X", project="").status == 400
