"""Connections, credentials, extended attributes, groups and notifications."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from tests.local_cloud.api.conftest import ACCOUNT, PROJECT, Client

SECRET = "planted-secret-7f3a"
BY_ACCOUNT = f"v3/accounts/{ACCOUNT}"
BY_PROJECT = f"{BY_ACCOUNT}/projects/{PROJECT}"
CONNECTION: dict[str, Any] = {
    "name": "Warehouse",
    "account_id": ACCOUNT,
    "adapter_version": "postgres_v0",
    "is_ssh_tunnel_enabled": False,
    "config": {"hostname": "db.example.com", "port": 5432, "dbname": "marketing"},
}
POSTGRES: dict[str, Any] = {
    "id": None,
    "type": "postgres",
    "state": 1,
    "threads": 4,
    "username": "dbt",
    "default_schema": "analytics",
    "target_name": "default",
    "password": SECRET,
}
NOTIFICATION: dict[str, Any] = {
    "user_id": 7,
    "type": 4,
    "on_failure": [1, 2],
    "external_email": "team@example.com",
    "state": 1,
}
# path, a body that is right, a change, how it is sent
FAMILIES: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "connections": (f"{BY_ACCOUNT}/connections/", CONNECTION, {"name": "Other"}, "PATCH"),
    "credentials": (f"{BY_PROJECT}/credentials/", POSTGRES, {"username": "other"}, "POST"),
    "extended attributes": (
        f"{BY_PROJECT}/extended-attributes/",
        {"extended_attributes": {"type": "duckdb"}},
        {"extended_attributes": {"path": "x"}},
        "PATCH",
    ),
    "groups": (f"{BY_ACCOUNT}/groups/", {"name": "Team"}, {"assign_by_default": True}, "POST"),
    "notifications": (
        f"v2/accounts/{ACCOUNT}/notifications/",
        NOTIFICATION,
        {"on_cancel": [3], "on_failure": []},
        "POST",
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_setting_is_created_listed_changed_and_deleted(client: Client, family: str) -> None:
    path, body, change, method = FAMILIES[family]
    if family == "notifications":
        for name in "abc":
            client.create_job(name=name)
    created = client.post(path, body)
    assert created.status == 201, created.body
    place = f"{path}{created.data['id']}/"
    shown = client.get(place).data
    wanted = {name: value for name, value in body.items() if name not in ("id", "password")}
    assert {name: shown[name] for name in wanted} == wanted
    if family != "extended attributes":
        assert [item["id"] for item in client.get(path).data] == [shown["id"]]
    changed = client.request(method, place, change)
    assert changed.status == 200, changed.body
    kept = {**shown, **change, "updated_at": changed.data["updated_at"]}
    assert client.get(place).data == kept
    if family == "groups":
        assert client.post(place, {**shown, "state": 2}).data["state"] == 2
    else:
        assert client.delete(place).data["state"] == 2
    assert client.get(place).status == client.request(method, place, change).status == 404


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_secrets_are_in_no_answer_and_not_in_the_store(client: Client) -> None:
    keys = {"type": "snowflake", "private_key": SECRET, "private_key_passphrase": SECRET}
    config = {"project_id": "p", "private_key": SECRET, "application_secret": SECRET}
    connection = {"name": "B", "adapter_version": "bigquery_v0", "config": config}
    for path, body in (
        (f"{BY_PROJECT}/credentials/", POSTGRES),
        (f"{BY_PROJECT}/credentials/", {**keys, "auth_type": "keypair", "user": "dbt"}),
        (f"{BY_ACCOUNT}/connections/", connection),
    ):
        created = client.post(path, body)
        assert created.status == 201, created.body
        assert SECRET not in f"{created.body!r}{client.get(path).body!r}"
    with sqlite3.connect(client.settings.data_dir / "cloud.sqlite") as store:
        assert SECRET not in "\n".join(store.iterdump())


@pytest.mark.parametrize("adapter", ["postgres_v0", "snowflake_v0", "bigquery_v0", "athena_v0"])
def test_what_a_connection_leaves_out_is_null_in_the_answer(client: Client, adapter: str) -> None:
    values = dict.fromkeys(("hostname", "dbname", "account", "database", "warehouse"), "x")
    values |= {"project_id": "p", "region_name": "r", "s3_staging_dir": "s3://x/"}
    body = {"name": "C", "adapter_version": adapter, "config": values}
    shown = client.post(f"{BY_ACCOUNT}/connections/", body).data
    assert shown["private_link_endpoint_id"] is shown["oauth_configuration_id"] is None
    missing = {"snowflake_v0": "role", "bigquery_v0": "location", "athena_v0": "work_group"}
    if adapter in missing:
        assert shown["config"][missing[adapter]] is None


WRONG: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "no adapter": ("connections", {"name": "x"}, ["adapter_version"]),
    "another adapter": ("connections", {**CONNECTION, "adapter_version": "x"}, ["adapter_version"]),
    "no database": (
        "connections",
        {**CONNECTION, "config": {"hostname": "h"}},
        ["config", "dbname"],
    ),
    "a tunnel": (
        "connections",
        {**CONNECTION, "is_ssh_tunnel_enabled": True},
        ["is_ssh_tunnel_enabled"],
    ),
    "no type": ("credentials", {"username": "x"}, ["type"]),
    "another type": ("credentials", {"type": "oracle"}, ["type"]),
    "a password that is none": ("credentials", {**POSTGRES, "password": 7}, ["password"]),
    "no attributes": ("extended attributes", {}, ["extended_attributes"]),
    "a group without a name": ("groups", {"name": " "}, ["name"]),
    "nobody to tell": ("notifications", {"type": 1}, ["user_id"]),
    "no address": ("notifications", {"user_id": 1, "type": 4}, ["external_email"]),
    "no channel": ("notifications", {"user_id": 1, "type": 2}, ["slack_channel_id"]),
    "a job that is none": ("notifications", {"user_id": 1, "on_failure": ["x"]}, ["on_failure"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_refused_at_its_field(client: Client, case: str) -> None:
    family, body, place = WRONG[case]
    reply = client.post(FAMILIES[family][0], body)
    assert reply.status == 400, reply.body
    found = reply.data
    for name in place:
        found = found[name]
    assert isinstance(found, str)


def test_permissions_of_a_group_are_replaced_as_a_whole(client: Client) -> None:
    group = client.post(f"{BY_ACCOUNT}/groups/", {"name": "Team"}).data
    path = f"{BY_ACCOUNT}/group-permissions/{group['id']}/"
    developer = {
        "permission_set": "developer",
        "all_projects": False,
        "project_id": PROJECT,
        "writable_environment_categories": ["development"],
    }
    member = {"permission_set": "member", "all_projects": True}
    for given in ([developer, member], [developer], []):
        assert client.post(path, given).status == 200
        shown = client.get(f"{BY_ACCOUNT}/groups/{group['id']}/").data["group_permissions"]
        assert [item["permission_set"] for item in shown] == [
            item["permission_set"] for item in given
        ]
    for wrong in (
        {**developer, "permission_set": "king"},
        {**developer, "project_id": 99},
        {**developer, "project_id": None},
        {**developer, "writable_environment_categories": ["moon"]},
        "text",
    ):
        assert client.post(path, [wrong]).status == 400
    assert client.post(path, {"permission_set": "member"}).status == 400
    assert client.post(f"{BY_ACCOUNT}/group-permissions/99/", [member]).status == 404


def test_a_setting_of_another_project_is_404(client: Client) -> None:
    other = client.post(f"{BY_ACCOUNT}/projects/", {"name": "P"}).data["id"]
    created = client.post(f"{BY_PROJECT}/credentials/", POSTGRES).data
    path = f"{BY_ACCOUNT}/projects/{other}/credentials/"
    assert client.get(f"{path}{created['id']}/").status == 404
    assert client.get(path).data == []


def test_credentials_of_an_adapter_are_501_and_no_tunnel_is_listed(client: Client) -> None:
    assert client.post(f"{BY_PROJECT}/credentials/", {"type": "adapter"}).status == 501
    tunnels = client.get(f"v2/accounts/{ACCOUNT}/encryptions/?connection_id=1&state=1")
    assert tunnels.json["extra"]["pagination"]["total_count"] == 0


def test_lists_are_narrowed_by_what_the_api_names(client: Client) -> None:
    notified = f"v2/accounts/{ACCOUNT}/notifications/"
    for body in (
        {"user_id": 1, "type": 1},
        {"user_id": 2, "type": 4, "external_email": "a@example.com"},
        {"user_id": 1, "type": 2, "slack_channel_id": "C1", "slack_channel_name": "data"},
    ):
        assert client.post(notified, body).status == 201
    first, second, third = (item["id"] for item in client.get(notified).data)
    for query, expected in (
        ("type=4", [second]),
        ("user_id=1", [first, third]),
        ("user_id=1&type=1", [first]),
        ("external_email=a@example.com", [second]),
        ("slack_channel_id=C1", [third]),
        (f"pk={second}", [second]),
        (f"pk__in=[{first},{third}]", [first, third]),
        ("user_id=3", []),
    ):
        reply = client.get(f"{notified}?{query}")
        assert [item["id"] for item in reply.data] == expected, query
        assert reply.json["extra"]["pagination"]["total_count"] == len(expected)
    client.post(f"{BY_ACCOUNT}/connections/", CONNECTION)
    for path in (f"{BY_ACCOUNT}/connections/", f"{BY_ACCOUNT}/projects/{PROJECT}/connections/"):
        assert len(client.get(f"{path}?adapter_version=postgres_v0").data) == 1
        assert client.get(f"{path}?adapter_version=snowflake_v0").data == []


def test_projects_and_environments_hold_the_settings_that_are_asked_for(client: Client) -> None:
    project = f"{BY_ACCOUNT}/projects/{PROJECT}/"
    connection = client.post(f"{BY_ACCOUNT}/connections/", CONNECTION).data
    repository = client.post(
        f"{project}repositories/", {"remote_url": "https://git.example.com/a/b.git"}
    ).data
    credentials = client.post(f"{project}credentials/", POSTGRES).data
    job, other = client.create_job(), client.create_job(name="other")
    ids = {"connection_id": connection["id"], "repository_id": repository["id"]}
    client.post(project, {**ids, "docs_job_id": job["id"], "freshness_job_id": other["id"]})
    client.delete(f"v2/accounts/{ACCOUNT}/jobs/{other['id']}/")
    asked = 'include_related=["repository","connection"]&include_related=docs_job,freshness_job'
    for path in (project, f"{BY_ACCOUNT}/projects/"):
        found = client.get(f"{path}?{asked}").data
        shown = found[0] if isinstance(found, list) else found
        assert shown["connection"]["adapter_version"] == "postgres_v0"
        assert shown["repository"]["remote_url"] == repository["remote_url"]
        assert (shown["docs_job"]["id"], shown["freshness_job"]) == (job["id"], None)
    assert client.get(project).data["connection"] is None
    environments = f"{project}environments/"
    body = {"name": "E", **ids, "credentials_id": credentials["id"]}
    environment = client.post(environments, body).data
    names = "connection,credentials,repository,project"
    for path in (environments, f"{BY_ACCOUNT.replace('v3', 'v2')}/environments/"):
        shown = client.get(f"{path}?pk={environment['id']}&include_related={names}").data[0]
        assert [shown[name]["id"] for name in names.split(",")] == [
            connection["id"], credentials["id"], repository["id"], PROJECT
        ]  # fmt: skip
    client.delete(f"{project}credentials/{credentials['id']}/")
    path = f"{environments}{environment['id']}/?include_related={names}"
    assert client.get(path).data["credentials"] is None
