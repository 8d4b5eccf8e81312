"""Ids by which objects name each other: what is not there, or of another project, is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_cloud.api.conftest import ACCOUNT, ENVIRONMENT, PROJECT, Client

V2, V3 = f"v2/accounts/{ACCOUNT}", f"v3/accounts/{ACCOUNT}"
HERE = f"{V3}/projects/{PROJECT}"
POSTGRES = {"hostname": "db.example.com", "dbname": "marketing"}
CONNECTION = {"name": "x", "adapter_version": "postgres_v0", "config": POSTGRES}
# the field that names a setting, where such settings are, and a body of one
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "credentials_id": ("credentials", {"type": "postgres"}),
    "extended_attributes_id": ("extended-attributes", {"extended_attributes": {"a": 1}}),
    "repository_id": ("repositories", {"remote_url": "https://git.example.com/a/b.git"}),
}
NAMED = ("connection_id", *SETTINGS)


def other_project(client: Client) -> str:
    """Make a project and return its path."""
    return f"{V3}/projects/{client.post(f'{V3}/projects/', {'name': 'other'}).data['id']}"


def refused(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return why a body is refused."""
    reply = client.post(path, body)
    assert reply.status == 400, reply.body
    found: dict[str, Any] = reply.data
    return found


@pytest.mark.parametrize("name", NAMED)
def test_an_environment_names_settings_that_are_there(client: Client, name: str) -> None:
    environment = f"{HERE}/environments/{ENVIRONMENT}/"
    for path in (f"{HERE}/environments/", f"{V3}/environments/", environment):
        body = {"name": "E", "project_id": PROJECT, name: 77}
        assert refused(client, path, body)[name].endswith("not exist")
    assert client.get(environment).data["name"] != "E"
    path, body = SETTINGS.get(name, ("connections", CONNECTION))
    place = f"{V3 if name == 'connection_id' else HERE}/{path}/"
    found = client.post(place, body).data["id"]
    assert client.post(environment, {"name": "E", name: found}).data[name] == found
    # what is named already hinders no other change when it is gone
    assert client.delete(f"{place}{found}/").status == 200
    assert client.post(environment, {"name": "F", name: found}).data["name"] == "F"
    assert refused(client, f"{HERE}/environments/", {"name": "G", name: found})


@pytest.mark.parametrize("name", SETTINGS)
def test_an_environment_names_no_setting_of_another_project(client: Client, name: str) -> None:
    path, body = SETTINGS[name]
    found = client.post(f"{other_project(client)}/{path}/", body).data["id"]
    for environments in (f"{HERE}/environments/", f"{HERE}/environments/{ENVIRONMENT}/"):
        said = refused(client, environments, {"name": "E", name: found})
        assert said[name].endswith(("belongs to another project", "belong to another project"))


def test_a_setting_of_another_kind_is_none(client: Client) -> None:
    found = client.post(f"{HERE}/credentials/", {"type": "postgres"}).data["id"]
    said = refused(client, f"{HERE}/environments/", {"name": "E", "connection_id": found})
    assert said == {"connection_id": "this connection does not exist"}


def test_a_project_names_settings_and_jobs_of_its_own(client: Client) -> None:
    job_id = client.create_job()["id"]
    address = {"remote_url": "https://git.example.com/a/b.git"}
    repository = client.post(f"{HERE}/repositories/", address).data["id"]
    connection = client.post(f"{V3}/connections/", CONNECTION).data["id"]
    other, projects = other_project(client), f"{V3}/projects/"
    mine = {"repository_id": repository, "docs_job_id": job_id, "freshness_job_id": job_id}
    for name, found in mine.items():
        for path, body in ((f"{other}/", {}), (projects, {"name": "new"})):
            said = refused(client, path, {**body, name: found})
            assert said[name].endswith("belongs to another project"), name
    for name in ("connection_id", *mine):
        assert refused(client, f"{HERE}/", {name: 77})[name].endswith("does not exist")
    changed = client.post(f"{HERE}/", {"connection_id": connection, **mine}).data
    assert {name: changed[name] for name in mine} == mine
    assert client.post(projects, {"name": "new", "connection_id": connection}).status == 201


def test_a_job_defers_within_its_project(client: Client) -> None:
    other = other_project(client)
    environment = client.post(f"{other}/environments/", {"name": "E"}).data["id"]
    project_id = int(other.rpartition("/")[2])
    job = client.create_job(project_id=project_id, environment_id=environment)
    mine = {"project_id": PROJECT, "environment_id": ENVIRONMENT, "name": "x"}
    for field, found, noun in (
        ("deferring_environment_id", environment, "environment"),
        ("deferring_job_definition_id", job["id"], "job"),
    ):
        said = refused(client, f"{V2}/jobs/", {**mine, field: found})
        assert said == {field: f"this {noun} belongs to another project"}


@pytest.mark.parametrize("event", ["on_cancel", "on_failure", "on_warning", "on_success"])
def test_a_notification_names_jobs_that_are_there(client: Client, event: str) -> None:
    job_id = client.create_job()["id"]
    path, body = f"{V2}/notifications/", {"user_id": ACCOUNT, event: [job_id]}
    made = client.post(path, body).data["id"]
    client.delete(f"{V2}/jobs/{job_id}/")
    assert refused(client, path, body) == {event: f"no such jobs: {job_id}"}
    assert client.post(f"{path}{made}/", body).status == 200
    said = refused(client, f"{path}{made}/", {event: [job_id, *range(70, 90)]})
    assert said[event] == f"no such jobs: {', '.join(map(str, range(70, 80)))}, ..."


def test_a_webhook_names_jobs_that_are_there(client: Client) -> None:
    job_id, path = client.create_job()["id"], f"{V3}/webhooks/subscription"
    address, events = "https://receiver.example.com/hook", ["job.run.completed"]
    body = {"name": "told", "client_url": address, "event_types": events, "job_ids": [job_id]}
    made = client.post(f"{path}s", body).data["id"]
    client.delete(f"{V2}/jobs/{job_id}/")
    assert refused(client, f"{path}s", body) == {"job_ids": f"no such jobs: {job_id}"}
    assert client.put(f"{path}/{made}", body).status == 200
    reply = client.put(f"{path}/{made}", {**body, "job_ids": [str(job_id), "70"]})
    assert (reply.status, reply.data) == (400, {"job_ids": "no such jobs: 70"})
